import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { tableSchema } from "../generator/estimate/table.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const main = path.join(root, "cli", "main.ts");

describe("command line: engines", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "gateloom-engines-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const out = (): string => path.join(folder, "out");

  /** With a cache of its own, which is empty at first. */
  const run = (args: readonly string[]) =>
    execa(process.execPath, ["--import", "tsx", main, "engines", "--out", out(), ...args], {
      cwd: root,
      reject: false,
      env: { NO_COLOR: "1", GATELOOM_CACHE: path.join(folder, "cache") },
      stdin: "ignore",
    });
  const SMALL = ["--lanes", "32", "--tokens", "1", "--family", "ecp5", "--engine-kind", "tree"];

  it("prints and writes the table", async () => {
    const { exitCode, stdout, stderr } = await run([...SMALL, "--json"]);
    assert.equal(exitCode, 0, stderr);
    const table = tableSchema.parse(JSON.parse(stdout));
    assert.deepEqual(table.lanes, { rows: 1, columns: 32 });
    assert.deepEqual(
      table.engines.map((e) => [e.name, e.result.status]),
      [
        ["naive", "built"],
        ["tree", "built"],
      ],
    );
    assert.match(stderr, /^tree: Yosys/m);
    assert.deepEqual(readdirSync(out()).sort(), ["engines.html", "engines.json", "manifest.json", "verilog"]);
    assert.deepEqual(JSON.parse(readFileSync(path.join(out(), "engines.json"), "utf8")), table);
    const page = readFileSync(path.join(out(), "engines.html"), "utf8");
    const [, tree] = table.engines;
    assert.ok(tree?.result.status === "built");
    assert.ok(page.includes(`<td>${tree.result.rates[0]!.matrixVector.cycles.toLocaleString("en-US")}</td>`));
    assert.ok(existsSync(path.join(out(), "verilog", "tree", "tree_kernel_32.v")));

    // The second time from the cache, for a person, over its own folder.
    const again = await run(SMALL);
    assert.equal(again.exitCode, 0, again.stderr);
    assert.equal(again.stderr.match(/from the cache/g)?.length, 3);
    assert.match(again.stdout, /^tree +32 w2 +- +0 /m);
    assert.ok(again.stdout.split("\n").every((line) => line.length <= 110));
  });

  it("says what is wrong with options, and leaves nothing behind", async () => {
    const before = readdirSync(folder).sort();
    for (const [args, message] of [
      [["--lanes", "100"], /--lanes <n>.*a multiple of 32 from 32 to 2048 is needed/],
      [["--family", "virtex"], /Allowed choices are xcup, xc7, ice40, ecp5/],
      [["--engine-kind", "cube"], /--engine-kind cube: there is no such engine; there are .*tree/],
    ] as const) {
      const { exitCode, stderr } = await run(args);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at /);
    }
    assert.deepEqual(readdirSync(folder).sort(), before);
  });

  it("is interrupted in the middle of a synthesis", async () => {
    const child = execa(
      process.execPath,
      ["--import", "tsx", main, "engines", "--out", path.join(folder, "cut"), "--lanes", "64"],
      {
        cwd: root,
        reject: false,
        stdin: "ignore",
        env: { NO_COLOR: "1", GATELOOM_CACHE: path.join(folder, "cut-cache") },
      },
    );
    child.stderr?.on("data", (text: Buffer) => {
      if (text.toString().includes("finish: Yosys")) child.kill("SIGINT");
    });
    const { exitCode, stderr } = await child;
    assert.equal(exitCode, 130, stderr);
    assert.match(stderr, /interrupted/);
    assert.ok(!existsSync(path.join(folder, "cut")));
  });
});
