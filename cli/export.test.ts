/** What export, estimate and their folders say to bad input, and that nothing half-written is left. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { boardOf } from "../fpga-projects/boards/index.js";
import { nearestFit, place } from "../fpga-projects/fit.js";
import { figure } from "../generator/estimate/device.js";
import { defaultConfig } from "../generator/isa/config.js";
import { randomModel } from "../golden/model/random.js";
import { estimateCommand } from "./estimate.js";
import { exportCommand } from "./export.js";
import { EXIT, explain } from "./failure.js";
import { refusal } from "./fitText.js";
import { checkFolder, writeFolder } from "./output.js";

const cli = fileURLToPath(new URL(".", import.meta.url));

describe("export: bad input", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "gateloom export ü-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => path.join(folder, name);

  const says = async (run: () => Promise<unknown>, message: RegExp): Promise<void> => {
    const before = readdirSync(folder, { recursive: true }).sort();
    const thrown = await run().then(
      () => assert.fail("nothing was refused"),
      (error: unknown) => error,
    );
    const { code, text } = explain(thrown);
    assert.match(text, message);
    assert.equal(code, EXIT.input);
    assert.deepEqual(readdirSync(folder, { recursive: true }).sort(), before, "something was left behind");
  };
  const run = (...args: readonly string[]) =>
    exportCommand().exitOverride().parseAsync(args, { from: "user" });

  it("unknown boards: the nearest name; boards of open tools: the command for them", async () => {
    await says(
      () => run("--board", "U-208", "--out", at("a")),
      /no such board\. Did you mean u280\? There are/,
    );
    await says(() => run("--board", "quartus", "--out", at("a")), /no such board\. There are u280, u55c/);
    await says(() => run("--board", "ulx3s", "--out", at("a")), /gateloom build --board ulx3s/);
    await says(() => run("--board", "kv260", "--name", "9 lives", "--out", at("a")), /lower-case letters/);
  });

  it("positions: no more than the model was trained for", async () => {
    await says(
      () => estimateCommand().parseAsync(["--board", "kv260", "--positions", "257"], { from: "user" }),
      /--positions 257: .* was trained for 256 positions/,
    );
  });

  it("a model too large: refused with the nearest that fits", () => {
    const pynq = boardOf("pynq-z2")!;
    const board = { ...pynq, device: { ...pynq.device, lut: figure(18_000, "test") } };
    const small = {
      dim: 64,
      hidden: 96,
      layers: 1,
      heads: 2,
      kvHeads: 1,
      headDim: 32,
      vocab: 128,
      context: 64,
    };
    const model = randomModel(small, 1);
    const base = { ...defaultConfig, rows: 8 };
    assert.match(
      refusal("small", board, place(board, model, base, 64, 100), nearestFit(board, model, base, 64, 100)),
      /^small does not fit TUL PYNQ-Z2:[\s\S]*does not fit \(usable: 70 %\)[\s\S]*The nearest that fits:[\s\S]*Use --lanes \d+ --positions 64, or --force/,
    );
  });

  it("--force writes it, and output, README and manifest say so", async () => {
    const lines: string[] = [];
    const { log } = console;
    console.log = (line: string) => lines.push(line);
    try {
      await run("--board", "pynq-z2", "--lanes", "1024", "--out", at("forced größe"), "--force");
    } finally {
      console.log = log;
    }
    assert.match(lines.join("\n"), /does not fit; written all the same \(--force\)/);
    assert.match(readFileSync(at("forced größe/README.md"), "utf8"), /was overridden \(`--force`\)/);
    assert.equal(JSON.parse(readFileSync(at("forced größe/manifest.json"), "utf8")).forced, true);
    accessSync(at("forced größe/build.sh"), constants.X_OK);
  });

  it("folders of others, of files, and projects that somebody works in are left alone", async () => {
    mkdirSync(at("full"));
    writeFileSync(at("full/thesis.txt"), "years");
    await says(
      () => run("--board", "kv260", "--out", at("full")),
      /full: exists and was not written by gateloom/,
    );
    writeFileSync(at("file"), "");
    await says(() => run("--board", "kv260", "--out", at("file")), /file: is a file/);
    const project = new Map([
      ["rtl/a.v", "module a; endmodule\n"],
      ["manifest.json", '{"generator":"gateloom","kind":"project","files":{"rtl/a.v":""}}'],
    ]);
    await writeFolder(at("project"), project);
    await writeFolder(at("project"), project);
    mkdirSync(at("project/build"));
    writeFileSync(at("project/build/a.bit"), "hours");
    await says(
      () => run("--board", "kv260", "--out", at("project")),
      /project: holds build, which gateloom did not/,
    );
  });

  it("targets that cannot be written: said before the work, with the reason", async () => {
    await says(
      () => checkFolder("/proc/gateloom/project"),
      /cannot be written: \/proc: .*; choose another --out/,
    );
    if (process.getuid?.() === 0) return;
    mkdirSync(at("locked"));
    chmodSync(at("locked"), 0o555);
    await says(() => checkFolder(at("locked/project")), /cannot be written: .*locked: permission denied/);
  });

  it("killed in the middle: nothing of the folder, and the next run clears up", async () => {
    const script = `
      import { writeFolder } from ${JSON.stringify(path.join(cli, "output.ts"))};
      const files = { *[Symbol.iterator]() { yield ["a.txt", "a"]; process.kill(process.pid, "SIGKILL"); yield ["b.txt", "b"]; } };
      await writeFolder(${JSON.stringify(at("killed"))}, files);`;
    const child = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      cwd: cli,
    });
    assert.equal(child.signal, "SIGKILL", child.stderr.toString());
    assert.ok(!existsSync(at("killed")));
    assert.ok(readdirSync(folder).some((name) => name.startsWith("killed.partial-")));
    await writeFolder(at("killed"), new Map([["a.txt", "a"]]));
    assert.deepEqual(readdirSync(at("killed")), ["a.txt"]);
    assert.ok(!readdirSync(folder).some((name) => name.startsWith("killed.partial-")));
  });
});
