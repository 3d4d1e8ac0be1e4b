/** A schedule -> functions of bounded size. Values that pass from one to another go through memory. */
import type { FlatId } from "../graph.js";
import { Code, I32, Op, type WasmModule } from "./encode.js";
import { Emitter, type Functions } from "./emitter.js";
import { type Slot, slotBytes } from "./layout.js";
import type { Model } from "./model.js";
import { classOf, isWide } from "./range.js";
import { type Plan, type Schedule, schedule, type Statement } from "./schedule.js";

/**
 * Adds a function (count) -> () to the module that does the plan so many times. At `remaining`, when given, it keeps how
 * often is left.
 */
export function compileLoop(
  model: Model,
  plan: Plan,
  module: WasmModule,
  functions: Functions,
  exported: string,
  remaining: number | null,
): void {
  const frame = (): Code => {
    const code = new Code([I32]).loop();
    if (remaining !== null) code.i32(0).get(0).memory(Op.i32Store, remaining);
    return code;
  };
  const bodies = compileBodies(model, plan, functions, (single) => (single ? frame() : new Code([])));
  // One body stands in the loop itself: for small designs a call per cycle would be a good part of the time.
  const [single] = bodies;
  const code = bodies.length === 1 && single !== undefined ? single : frame();
  if (bodies.length > 1) for (const index of bodies.map((body) => module.add(body))) code.call(index);
  code.get(0).i32(1).op(Op.i32Sub).tee(0).brIf(0).end();
  module.add(code, exported);
}

/** Adds functions to the module; returns their indices, to be called in order. */
export function compilePass(model: Model, plan: Plan, module: WasmModule, functions: Functions): number[] {
  return compileBodies(model, plan, functions, () => new Code([])).map((code) => module.add(code));
}

function compileBodies(
  model: Model,
  plan: Plan,
  functions: Functions,
  makeCode: (single: boolean) => Code,
): Code[] {
  const plannedAs = schedule(model, plan);
  const chunks = cut(plannedAs, model.functionCost);
  const spills = findSpills(model, chunks);
  const saved = new Set<FlatId>();
  const codes: Code[] = [];
  // The `if` that is open where a chunk ends is opened again in the next one, on the remembered condition.
  let open = false;
  const condition = chunks.length > 1 ? model.scratch("condition", 4) : 0;
  for (const chunk of chunks) {
    const code = makeCode(chunks.length === 1);
    const e = new Emitter(code, model, plannedAs.uses, functions, spills, saved);
    if (open) {
      code.i32(0).memory(Op.i32Load, condition);
      e.enter();
    }
    for (const s of chunk) {
      switch (s.kind) {
        case "eval":
          e.evaluate(s.id);
          break;
        case "save":
          e.save(s.id);
          break;
        case "action":
          s.action.emit(e, s.enables);
          break;
        case "if":
          e.pushAny(s.enables);
          if (chunks.length > 1) {
            const local = code.local(I32);
            code.set(local).i32(0).get(local).memory(Op.i32Store, condition).get(local);
            code.release(I32, local);
          }
          e.enter();
          open = true;
          break;
        case "end":
          e.leave();
          open = false;
          break;
        default:
          s satisfies never;
      }
    }
    if (open) e.leave();
    codes.push(code);
  }
  return codes;
}

function cut({ uses, statements }: Schedule, most: number): Statement[][] {
  const costOf = (s: Statement): number => {
    switch (s.kind) {
      case "eval":
        return uses.costOf(s.id);
      case "action":
        return (
          [...s.action.once, ...s.action.often].reduce(
            (sum, id) => sum + 1 + (uses.place(id) === "inline" ? uses.costOf(id) : 0),
            0,
          ) + s.action.writes.length
        );
      case "save":
      case "if":
      case "end":
        return 1;
      default:
        return s satisfies never;
    }
  };
  const chunks: Statement[][] = [[]];
  let cost = 0;
  for (const s of statements) {
    if (cost > most) {
      chunks.push([]);
      cost = 0;
    }
    chunks[chunks.length - 1]!.push(s);
    cost += costOf(s);
  }
  return chunks;
}

/** Places for what is computed in one chunk and read in another. */
function findSpills(model: Model, chunks: readonly Statement[][]): Map<FlatId, Slot> {
  const spills = new Map<FlatId, Slot>();
  if (chunks.length === 1) return spills;
  const home = new Map<FlatId, number>();
  for (const [c, chunk] of chunks.entries()) {
    for (const s of chunk) {
      for (const id of s.reads) {
        const from = home.get(id);
        if (from === undefined || from === c || spills.has(id)) continue;
        spills.set(id, spillSlot(model, id));
      }
      if (s.kind === "eval" || s.kind === "save") home.set(s.id, c);
    }
  }
  return spills;
}

/** As wide as the machine word, so that the value comes back as it was, clean or not. */
function spillSlot(model: Model, id: FlatId): Slot {
  const { width } = model.graph.nodes[id]!;
  const cls = classOf(width);
  const bytes = isWide(width) ? slotBytes(width) : cls / 8;
  return { addr: model.scratch(`spill ${id}`, bytes), width: isWide(width) ? width : cls, form: "u", bytes };
}
