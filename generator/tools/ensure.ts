/**
 * `npm test` begins here: installs the simulators and solvers with apt when they are absent and it may; otherwise says
 * exactly what to run and stops with exit code 2.
 */
import { execa } from "execa";
import { findAll, TOOLS } from "./tool.js";

const missing = (await findAll()).filter((f) => f.version === null);
if (missing.length > 0) {
  const packages = [...new Set(missing.map((f) => TOOLS[f.name].debianPackage))];
  const root = process.getuid?.() === 0;
  const apt = await execa("apt-get", ["--version"], { reject: false });
  const sudo = root || apt.failed ? null : await execa("sudo", ["-n", "true"], { reject: false });
  const allowed = !apt.failed && (root || sudo?.failed === false);
  const command = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (!allowed) {
    console.error(
      `The tests need ${missing.map((f) => TOOLS[f.name].command).join(", ")}. Run:\n  sudo apt-get update && sudo ${command}`,
    );
    process.exit(2);
  }
  console.log(`Installing ${packages.join(", ")} with apt-get ...`);
  const prefix = root ? [] : ["sudo", "-n"];
  const run = async (args: string[]) => {
    const [file, ...rest] = [...prefix, ...args];
    await execa(file!, rest, {
      stdio: ["ignore", "ignore", "inherit"],
      env: { DEBIAN_FRONTEND: "noninteractive" },
    });
  };
  try {
    await run(["apt-get", "update", "-qq"]);
    await run(command.split(" "));
  } catch (error) {
    console.error(
      `apt-get failed: ${error instanceof Error ? error.message.split("\n")[0] : error}\nRun it by hand:\n  sudo apt-get update && sudo ${command}`,
    );
    process.exit(2);
  }
}
