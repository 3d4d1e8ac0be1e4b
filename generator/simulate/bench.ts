/**
 * Measures the embedded engine against Verilator on dot-product engines, in one run on one machine:
 *   npx tsx generator/simulate/bench.ts [lanes ...]
 * Rounds alternate, so that other work on the machine falls on all alike; figures are medians of 5.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { emitVerilog } from "../hdl/index.js";
import type { Design } from "../hdl/ir.js";
import { dotEngine } from "./dot.js";
import { simulate } from "./index.js";

const ROUNDS = 5;
const ROUND_MS = 600;

interface Contender {
  readonly name: string;
  readonly buildMs: number;
  rate(cycles: number): Promise<{ kHz: number; y: bigint }>;
}

async function embedded(design: Design): Promise<Contender> {
  const start = performance.now();
  const sim = simulate(design);
  sim.step();
  return {
    name: "embedded",
    buildMs: performance.now() - start,
    async rate(cycles) {
      const from = performance.now();
      sim.step(cycles);
      return { kHz: cycles / (performance.now() - from), y: sim.peek("y") };
    },
  };
}

const MAIN = `#include "Vtop.h"
#include "verilated.h"
#include <chrono>
#include <cstdio>
#include <cstdlib>
double sc_time_stamp() { return 0; }
int main(int, char** argv) {
  Vtop top;
  long cycles = atol(argv[1]);
  top.rst = 1; top.clk = 0; top.eval(); top.clk = 1; top.eval(); top.rst = 0;
  auto from = std::chrono::steady_clock::now();
  for (long i = 0; i < cycles; i++) { top.clk = 0; top.eval(); top.clk = 1; top.eval(); }
  std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - from;
  printf("%f\\n", cycles / ms.count());
}
`;

async function verilator(design: Design, dir: string, optimise: string): Promise<Contender> {
  const files = emitVerilog(design);
  for (const [name, text] of files) await writeFile(join(dir, name), text);
  await writeFile(join(dir, "main.cpp"), MAIN);
  const start = performance.now();
  const out = `obj_${optimise}`;
  await execa(
    "verilator",
    [
      "--cc",
      "--exe",
      "--build",
      "-O3",
      "--x-assign",
      "fast",
      "--x-initial",
      "fast",
      "--noassert",
      "-Wno-fatal",
      "--top-module",
      design.top,
      "--prefix",
      "Vtop",
      "--Mdir",
      out,
      "-MAKEFLAGS",
      `OPT_FAST=-${optimise} OPT_SLOW=-O0`,
      "-o",
      "top",
      ...files.keys(),
      "main.cpp",
    ],
    { cwd: dir },
  );
  return {
    name: `Verilator, g++ -${optimise}`,
    buildMs: performance.now() - start,
    async rate(cycles) {
      const { stdout } = await execa(join(dir, out, "top"), [String(cycles)], { cwd: dir });
      return { kHz: Number(stdout), y: 0n };
    },
  };
}

const median = (xs: readonly number[]): number => [...xs].sort((a, b) => a - b)[xs.length >> 1]!;

async function measure(lanes: number): Promise<void> {
  const design = dotEngine(lanes);
  const nodes = [...design.modules.values()].reduce((n, m) => n + m.nodes.length, 0);
  const dir = await mkdtemp(join(tmpdir(), "gateloom-bench-"));
  try {
    const contenders = [
      await embedded(design),
      await verilator(design, dir, "O1"),
      await verilator(design, dir, "O3"),
    ];
    const cycles: number[] = [];
    for (const c of contenders) {
      await c.rate(2000); // lets the optimised code in
      cycles.push(Math.ceil((await c.rate(2000)).kHz * ROUND_MS));
    }
    const rates: number[][] = contenders.map(() => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, c] of contenders.entries()) rates[i]!.push((await c.rate(cycles[i]!)).kHz);
    }
    const best = Math.max(...rates.slice(1).map(median));
    console.log(`${lanes} lanes, ${nodes} nodes`);
    for (const [i, c] of contenders.entries()) {
      const kHz = median(rates[i]!);
      const relative = i === 0 ? `  ${(kHz / best).toFixed(2)}x the faster Verilator` : "";
      console.log(
        `  ${c.name.padEnd(20)} ${kHz.toFixed(0).padStart(7)} kHz, built in ${(c.buildMs / 1000).toFixed(2)} s${relative}`,
      );
    }
  } finally {
    await rm(dir, { recursive: true });
  }
}

const lanes = process.argv.slice(2).map(Number);
console.log(`${availableParallelism()} cores, Node ${process.version}`);
for (const n of lanes.length > 0 ? lanes : [64, 512]) await measure(n);
