/** Document, header and Python module say what the one description says, and compile. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { defaultConfig } from "../../generator/isa/config.js";
import { constantsOf, registerMap } from "../../generator/isa/registers.js";
import { registerFiles } from "./registers.js";
import { commandOrSkip } from "./commands.testing.js";

const masters = { masters: 4, dataBits: 32 };
const map = registerMap(defaultConfig, masters);
const files = registerFiles({ title: "a model on a board", config: defaultConfig, masters, registers: map });
const header = files.get("host/gateloom_registers.h")!;

/** Writes text to a file of a folder that goes away with the test. */
const inFolder = async (
  name: string,
  text: string,
  use: (folder: string) => Promise<void>,
): Promise<void> => {
  const folder = await mkdtemp(path.join(tmpdir(), "gateloom-host-"));
  try {
    await writeFile(path.join(folder, name), text);
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
};

describe("the register map for hosts", () => {
  it("C header: each name once, every offset, mask and window", () => {
    const defined = new Map<string, string>();
    for (const [, name, value] of header.matchAll(/^#define (GATELOOM_\w+) (\S+)/gm)) {
      assert.equal(defined.has(name!), false, `${name} is defined twice`);
      defined.set(name!, value!);
    }
    const number = (name: string): number => Number(defined.get(name)?.replace(/u$/, ""));
    const capitals = (name: string): string => name.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
    for (const r of map.registers) {
      assert.equal(number(`GATELOOM_${capitals(r.name)}`), r.offset, r.name);
      for (const f of r.kind === "flags" ? r.fields : [])
        assert.equal(number(`GATELOOM_${capitals(`${r.name}_${f.name}`)}`), 2 ** f.bit, f.name);
    }
    for (const w of map.windows) {
      assert.equal(number(`GATELOOM_${capitals(w.name)}_WINDOW`), w.offset);
      assert.equal(number(`GATELOOM_${capitals(w.name)}_WINDOW_WORDS`), w.words);
    }
    for (const [name, value] of Object.entries(constantsOf(defaultConfig, masters)))
      assert.equal(number(`GATELOOM_${capitals(name)}_VALUE`), value, name);
  });

  for (const [language, standard] of [
    ["c", "c99"],
    ["c++", "c++17"],
  ] as const)
    it(`C header compiles as ${standard} without a warning, twice in one file; pointers by channel`, async function () {
      const compiler = await commandOrSkip(this, "g++");
      const last = map.registers.findLast((r) => r.kind === "pointer")!;
      const name = (counter: string): string => `case_${counter}`;
      const source = `#include "gateloom_registers.h"
#include "gateloom_registers.h"
enum gateloom_offset {
#define CASE(name, offset) case_##name = (int)(offset),
  GATELOOM_COUNTERS(CASE)
  last_pointer = (int)GATELOOM_CACHE_OF(3u)
};
int main(void) {
  int wrong = (int)${name("cycles")} != (int)GATELOOM_COUNT_CYCLES || (int)last_pointer != ${last.offset};
  return wrong;
}
`;
      await inFolder("gateloom_registers.h", header, async (folder) => {
        await writeFile(path.join(folder, "main.c"), source);
        const flags = ["-Wall", "-Wextra", "-pedantic", "-Werror", `-std=${standard}`];
        await execa(compiler, [...flags, "-x", language, "main.c", "-o", "main"], { cwd: folder });
        await execa(path.join(folder, "main"));
      });
    });

  it("Python module: every register, field, window, constant and counter", async function () {
    const python = await commandOrSkip(this, "python3");
    await inFolder("gateloom_registers.py", files.get("host/gateloom_registers.py")!, async (folder) => {
      const { stdout } = await execa(
        python,
        ["-c", "import json, gateloom_registers as g; print(json.dumps(vars(g), default=str))"],
        { cwd: folder },
      );
      const said = JSON.parse(stdout);
      assert.deepEqual(
        said.REGISTERS,
        Object.fromEntries(map.registers.map((r) => [r.name, [r.offset, r.width]])),
      );
      assert.deepEqual(
        said.FIELDS,
        Object.fromEntries(
          map.registers.flatMap((r) =>
            r.kind === "flags"
              ? [[r.name, Object.fromEntries(r.fields.map((f) => [f.name, 2 ** f.bit]))]]
              : [],
          ),
        ),
      );
      assert.deepEqual(
        said.WINDOWS,
        Object.fromEntries(map.windows.map((w) => [w.name, [w.offset, w.words, w.wordBytes]])),
      );
      assert.deepEqual(said.CONSTANTS, constantsOf(defaultConfig, masters));
      assert.deepEqual(
        said.COUNTERS,
        map.registers.flatMap((r) => (r.kind === "counter" ? [r.name] : [])),
      );
      assert.deepEqual([said.MAP_BYTES, said.MASTERS], [map.bytes, 4]);
    });
  });

  it("document: a line for every register, field and window", () => {
    const text = files.get("docs/registers.md")!;
    const lines = new Set(text.split("\n").map((line) => line.split("|").slice(1, 3).join("|").trim()));
    const hex = (n: number): string => `0x${n.toString(16).padStart(3, "0")}`;
    for (const r of map.registers) {
      assert.ok(lines.has(`${hex(r.offset)} | \`${r.name}\``), r.name);
      for (const f of r.kind === "flags" ? r.fields : []) assert.ok(lines.has(`| \`${r.name}.${f.name}\``));
    }
    for (const w of map.windows) assert.ok(lines.has(`${hex(w.offset)} | \`${w.name}\``), w.name);
    assert.match(text, /slice\(s\) of 4 byte\(s\)/);
  });
});
