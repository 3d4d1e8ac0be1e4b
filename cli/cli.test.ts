import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  copyFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const root = fileURLToPath(new URL("..", import.meta.url));
const main = path.join(root, "cli", "main.ts");
const demo = path.join(root, "golden", "demo", "stories.safetensors");

describe("command line", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "gateloom-cli-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => path.join(folder, name);

  const run = (args: readonly string[], env: Record<string, string> = {}) =>
    execa(process.execPath, ["--import", "tsx", main, ...args], {
      cwd: root,
      reject: false,
      env: { NO_COLOR: "1", ...env },
      stdin: "ignore",
    });
  /** Exit code 2, one message without a stack, nothing left behind. */
  const refuses = async (
    args: readonly string[],
    message: RegExp,
    env: Record<string, string> = {},
  ): Promise<void> => {
    const before = readdirSync(folder).sort();
    const { exitCode, stderr, stdout } = await run(args, env);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr + stdout, /\n\s+at .*:\d+:\d+/, "a stack trace");
    assert.equal(exitCode, 2, stderr);
    assert.deepEqual(readdirSync(folder).sort(), before, "something was left behind");
  };

  it("says what is wrong with options", async () => {
    await refuses(["simulate", "--wat"], /unknown option '--wat'/);
    await refuses(["simulate", "--engine", "modelsim"], /Allowed choices are embedded, verilator, icarus/);
    await refuses(["simulate", "--tokens", "0"], /a whole number from 1 to 100000/);
    await refuses(
      ["generate", "--lanes", "96", "--out", at("lanes")],
      /--lanes 96 .*\n.*lanes\.rows: rows must be a power of two/,
    );
    await refuses(["simulte"], /unknown command 'simulte'/);
  });

  it("says what is wrong with a prompt", async () => {
    await refuses(["simulate", "--no-out", "--prompt", "A 🙂 story"], /the model's vocabulary has no "🙂"/);
    await refuses(
      ["simulate", "--no-out", "--tokens", "300"],
      /needs 304 positions; the model was trained for 256\. Ask for at most 252/,
    );
  });

  it("says what is wrong with a model file", async () => {
    await refuses(
      ["generate", "--model", at("none.safetensors"), "--tokenizer", "x.json", "--out", at("a")],
      /none\.safetensors: there is no such file/,
    );
    const lone = at("lone.safetensors");
    copyFileSync(demo, lone);
    await refuses(["generate", "--model", lone, "--out", at("a")], /needs its tokenizer/);
    const cut = at("cut.safetensors");
    copyFileSync(demo, cut);
    truncateSync(cut, 100_000);
    const tokenizer = path.join(root, "golden", "demo", "tokenizer.json");
    await refuses(
      ["generate", "--model", cut, "--tokenizer", tokenizer, "--out", at("a")],
      /cut\.safetensors.*(byte|ends)/,
    );
    const text = at("text.bin");
    writeFileSync(text, "This is no checkpoint at all, only some text that is long enough for a header.");
    await refuses(["generate", "--model", text, "--tokenizer", tokenizer, "--out", at("a")], /text\.bin/);
  });

  it("says what is wrong with a configuration", async () => {
    const config = at("bad.config.ts");
    writeFileSync(
      config,
      'export default { precision: "W8A8", memory: { kind: "on-chip", kib: 16 }, lane: 3 };',
    );
    await refuses(
      ["generate", "--config", config, "--out", at("b")],
      /not a usable configuration\n[\s\S]*precision/,
    );
    writeFileSync(config, 'export default { memory: { kind: "on-chip", kib: 16 } };');
    await refuses(["generate", "--config", config, "--out", at("b")], /16384|16 KiB|memory/);
    await refuses(["generate", "--config", at("nowhere.ts"), "--out", at("b")], /nowhere\.ts: no such file/);
  });

  it("says how to get a missing simulator", async () => {
    await refuses(
      ["simulate", "--engine", "icarus", "--no-out", "--tokens", "1"],
      /'iverilog', 'vvp' not found[\s\S]*apt-get install iverilog/,
      { PATH: folder },
    );
  });

  it("never replaces a folder that is not its own", async () => {
    writeFileSync(at("mine.txt"), "mine");
    await refuses(["generate", "--out", folder], /was not written by gateloom/);
    assert.equal(readFileSync(at("mine.txt"), "utf8"), "mine");
  });

  it("writes the same bytes twice, and a manifest that tells them", async () => {
    const hashes = [];
    for (const name of ["one", "two"]) {
      const { exitCode, stderr } = await run(["generate", "--out", at(name)]);
      assert.equal(exitCode, 0, stderr);
      hashes.push(readFileSync(path.join(at(name), "manifest.json"), "utf8"));
    }
    assert.equal(hashes[0], hashes[1]);
    assert.ok(existsSync(path.join(at("one"), "rtl", "gateloom.v")));
  });

  it("is interrupted cleanly", async () => {
    const child = execa(
      process.execPath,
      ["--import", "tsx", main, "simulate", "--out", at("interrupted"), "--tokens", "200"],
      { cwd: root, reject: false, stdin: "ignore" },
    );
    // In the middle of the run, however long this machine takes to get there.
    child.stdout.once("data", () => child.kill("SIGINT"));
    const { exitCode, stderr } = await child;
    assert.equal(exitCode, 130, stderr);
    assert.match(stderr, /interrupted/);
    assert.deepEqual(
      readdirSync(folder).filter((f) => f.includes("partial")),
      [],
    );
  });

  it("gives the report to a machine", async () => {
    const { exitCode, stdout } = await run(["simulate", "--no-out", "--tokens", "2", "--json"]);
    assert.equal(exitCode, 0);
    const report = JSON.parse(stdout);
    assert.equal(report.generatedTokens, 2);
    assert.deepEqual(report.mismatches, []);
    assert.ok(report.account.slotUtilisation > 0.5);
  });

  it("has help for every command", async () => {
    for (const command of ["generate", "simulate", "doctor"]) {
      const { exitCode, stdout } = await run([command, "--help"]);
      assert.equal(exitCode, 0);
      assert.match(stdout, /Usage: gateloom /);
    }
  });
});
