/** One design as the code generator sees it: simplified graph, layout of memory, and what is known of every word. */
import type { CombNode, FlatGraph, FlatId } from "../graph.js";
import { Code } from "./encode.js";
import type { Context } from "./context.js";
import { demandedForms } from "./demand.js";
import { Layout, loadOp, Views } from "./layout.js";
import { liveState, lower, type NextValue } from "./lower.js";
import { pushNarrow } from "./narrow.js";
import { pushOperand } from "./words.js";
import { classOf, type Cls, type Form, full, isWide, type Range } from "./range.js";

export interface Model {
  readonly graph: FlatGraph;
  /** Node of the graph before simplification -> node of `graph`. */
  readonly at: (original: FlatId) => FlatId;
  readonly next: readonly (NextValue | null)[];
  readonly live: ReturnType<typeof liveState>;
  readonly demand: readonly Form[];
  readonly ranges: readonly Range[];
  readonly layout: Layout;
  readonly views: Views;
  /** Rough number of instructions that a function may have. */
  readonly functionCost: number;
  /** Places made once and shared by all programs of the model: constant tables and working space. */
  table(key: FlatId, bytes: number, words: () => readonly bigint[]): number;
  scratch(key: string, bytes: number): number;
}

/** V8 compiles larger functions slowly, and limits their locals. */
export const FUNCTION_COST = 4000;

export function makeModel(original: FlatGraph, functionCost = FUNCTION_COST): Model {
  const lowered = lower(original);
  const { graph } = lowered;
  const demand = demandedForms(lowered);
  const layout = new Layout(graph, demand);
  const views = new Views();
  views.reserve(layout.size);
  const places = new Map<string, number>();
  const scratch = (key: string, bytes: number): number => {
    let addr = places.get(key);
    if (addr === undefined) {
      addr = layout.alloc(bytes);
      views.reserve(layout.size);
      places.set(key, addr);
    }
    return addr;
  };
  const table = (key: FlatId, bytes: number, words: () => readonly bigint[]): number => {
    const name = `table ${key}`;
    const known = places.get(name);
    if (known !== undefined) return known;
    const values = words();
    const addr = scratch(name, values.length * bytes);
    const slot = { addr, width: bytes * 8, form: "u" as const, bytes };
    for (const [i, value] of values.entries()) views.write(slot, value, addr + i * bytes);
    return addr;
  };
  return {
    graph,
    at: lowered.at,
    next: lowered.next,
    live: liveState(graph, lowered.next),
    demand,
    layout,
    views,
    functionCost,
    table,
    scratch,
    ranges: findRanges(graph, demand, layout),
  };
}

/** Runs the rules in order of dependence without keeping the code, only for the ranges they report. */
function findRanges(graph: FlatGraph, demand: readonly Form[], layout: Layout): Range[] {
  const ranges: Range[] = [];
  let code = new Code([]);
  const constantOf = (id: FlatId): bigint | undefined => {
    const n = graph.nodes[id]!;
    return n.op === "const" ? n.value : undefined;
  };
  const c: Context = {
    get code() {
      return code;
    },
    layout,
    widthOf: (id) => graph.nodes[id]!.width,
    constantOf,
    demandOf: (id) => demand[id]!,
    rangeOf: (id) => ranges[id]!,
    push: (id: FlatId, cls: Cls, form: Form): Range => pushOperand(c, id, cls, form, () => ranges[id]!),
    pushLimb: () => {},
    addressOf: () => undefined,
    table: () => 0,
    scratch: () => 0,
    multiplier: () => 0,
  };
  for (const [id, node] of graph.nodes.entries()) {
    const cls = classOf(node.width);
    const slot = layout.slots.get(id);
    if (isWide(node.width)) ranges.push(full(64));
    else if (slot !== undefined) ranges.push(loadOp(slot, "any").range);
    else {
      if (code.bytes.length > 1 << 16) code = new Code([]);
      ranges.push(isComb(node) ? pushNarrow(c, id, node) : full(cls));
    }
  }
  return ranges;
}

function isComb(node: FlatGraph["nodes"][number]): node is CombNode {
  return node.op !== "input" && node.op !== "reg" && node.op !== "read" && node.op !== "box";
}
