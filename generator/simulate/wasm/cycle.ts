/** The clock edge of some domains as a WebAssembly module with one export, `run(n)`. */
import type { FlatId, FlatMemoryWrite } from "../graph.js";
import { boxAction, checkAction, readAction, registerAction, resetAction, writeAction } from "./actions.js";
import type { Functions } from "./emitter.js";
import { I32, type ImportedFunction, WasmModule } from "./encode.js";
import type { Model } from "./model.js";
import { multiplierCode } from "./multiplier.js";
import { compileLoop } from "./program.js";
import type { Action, Group, Plan } from "./schedule.js";

export const CALLBACKS: readonly ImportedFunction[] = [
  { module: "env", name: "boxOutputs", params: [I32], results: [] },
  { module: "env", name: "boxEdge", params: [I32], results: [] },
  { module: "env", name: "fail", params: [I32], results: [] },
];

/** The callbacks stand first among a module's functions; the multiplier is added when it is first wanted. */
export function functionsOf(module: WasmModule): Functions {
  let multiplier: number | undefined;
  return {
    boxOutputs: 0,
    boxEdge: 1,
    fail: 2,
    multiplier: () => (multiplier ??= module.add(multiplierCode())),
  };
}

/** With checks, the number of cycles left is kept at `remaining`, for whoever must say which cycle it was. */
export function cycleModule(
  model: Model,
  domains: readonly number[],
  checks: boolean,
  remaining: number,
): Uint8Array {
  const module = new WasmModule(CALLBACKS);
  compileLoop(
    model,
    edgePlan(model, domains, checks),
    module,
    functionsOf(module),
    "run",
    checks ? remaining : null,
  );
  return module.encode();
}

function edgePlan(model: Model, domains: readonly number[], checks: boolean): Plan {
  const { graph } = model;
  const clocked = (domain: number | null): boolean => domain !== null && domains.includes(domain);

  const first: Action[] = [];
  for (const [i, c] of graph.checks.entries()) {
    if (!checks || c.kind === "cover" || !clocked(c.domain)) continue;
    first.push(checkAction(i, c.condition, c.enable, graph.domains[c.domain]!.reset));
  }

  const groups = new Map<string, { enables: readonly FlatId[]; actions: Action[] }>();
  for (const [i, r] of graph.registers.entries()) {
    const next = model.next[i]!;
    if (next === null || model.live.registers[i] === 0 || !clocked(r.domain)) continue;
    const key = next.enables.length === 0 ? `always ${i}` : next.enables.join();
    const group = groups.get(key) ?? { enables: next.enables, actions: [] };
    group.actions.push(registerAction(r, next.value));
    groups.set(key, group);
  }

  const last: Action[] = [];
  const writesOf = (mem: number): FlatMemoryWrite[] =>
    graph.memories[mem]!.writes.filter((w) => clocked(w.domain));
  for (const when of ["old", "new"] as const) {
    for (const [i, r] of graph.reads.entries()) {
      const { readDuringWrite } = graph.memories[r.mem]!;
      if (model.live.reads[i] === 0 || !clocked(r.domain) || (readDuringWrite === "new") !== (when === "new"))
        continue;
      last.push(readAction(r, readDuringWrite === "undefined" ? writesOf(r.mem) : []));
    }
    if (when === "new") break;
    for (const [mem, m] of graph.memories.entries())
      for (const w of writesOf(mem)) last.push(writeAction(mem, m.width, w));
  }
  for (const [i, b] of graph.boxes.entries()) {
    if (clocked(b.domain))
      last.push(boxAction(i, Object.values(b.inputs), b.box.model.combinational ? [] : b.outputs));
  }
  for (const d of domains) {
    const { reset } = graph.domains[d]!;
    const registers = graph.registers.filter(
      (r, i) => r.domain === d && r.reset !== undefined && model.live.registers[i] === 1,
    );
    if (reset !== null && registers.length > 0) last.push(resetAction(reset, registers));
  }
  return { first, groups: [...groups.values()] satisfies Group[], last };
}
