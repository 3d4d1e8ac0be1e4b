import { Command } from "commander";
import pc from "picocolors";
import { findAll, TOOLS } from "../generator/tools/tool.js";

export const doctorCommand = (): Command =>
  new Command("doctor")
    .description(
      "Says which external tools are here, what each is for, and how to get the missing ones. Nothing of them is needed for the embedded engine.",
    )
    .option("--json", "print the list as JSON")
    .action(async (options: { json?: boolean }) => {
      const found = await findAll();
      const rows = [
        {
          name: "node",
          version: process.version,
          purpose: "runs gateloom (20 or later)",
          debianPackage: "nodejs",
        },
        ...found.map((f) => ({ ...f, ...TOOLS[f.name], name: TOOLS[f.name].command as string })),
      ];
      if (options.json) {
        console.log(
          JSON.stringify(
            rows.map(({ name, version, purpose, debianPackage }) => ({
              name,
              version,
              purpose,
              debianPackage,
            })),
            null,
            2,
          ),
        );
        return;
      }
      for (const row of rows) {
        const mark = row.version === null ? pc.yellow("missing") : pc.green("found  ");
        console.log(`${mark} ${row.name.padEnd(14)} ${row.purpose.padEnd(30)} ${row.version ?? ""}`);
      }
      const missing = [...new Set(rows.filter((r) => r.version === null).map((r) => r.debianPackage))];
      if (missing.length > 0)
        console.log(`\nInstall the missing ones with:\n  sudo apt-get install ${missing.join(" ")}`);
      else console.log("\nEverything is here.");
    });
