/**
 * Looking at combinational nodes. The cycle code keeps nothing but state; what a user wants to see is computed from
 * the state by small modules made for just that: only their cones, and only when somebody looks.
 */
import type { FlatId } from "../graph.js";
import { recordWords, type WatchPoint } from "../engine.js";
import { CALLBACKS, functionsOf } from "./cycle.js";
import type { Emitter } from "./emitter.js";
import { Code, I32, Op, WasmModule } from "./encode.js";
import type { Slot } from "./layout.js";
import type { Model } from "./model.js";
import { compilePass } from "./program.js";
import { limbsOf, isWide } from "./range.js";
import type { Action, Group, Plan } from "./schedule.js";

/** A module whose `settle()` stores these nodes at their slots. */
export function settleModule(model: Model, nodes: readonly { node: FlatId; slot: Slot }[]): Uint8Array {
  const module = new WasmModule(CALLBACKS);
  const actions = nodes.map(
    ({ node, slot }): Action => ({
      once: [node],
      often: [],
      writes: [],
      emit: (e) => e.storeTo(slot, node),
    }),
  );
  const code = new Code([]);
  for (const f of compilePass(model, always(actions), module, functionsOf(module))) code.call(f);
  module.add(code, "settle");
  return module.encode();
}

const always = (actions: readonly Action[]): Plan => ({
  first: [],
  groups: [{ enables: [], actions }],
  last: [],
});

/** Where a sampling loop and JavaScript meet; 32-bit words, but for the ring itself. */
export interface SamplePlaces {
  /** Is the `until` node 1? */
  readonly flag: number;
  /** Next free byte of the ring. */
  readonly head: number;
  /** Number of the cycle, modulo 2^32. */
  readonly cycle: number;
  readonly ring: number;
  /** The loop returns when the head passes this, so that a cycle's records always fit. */
  readonly limit: number;
}

/** The most bytes that one cycle's records take. */
export function recordBytes(model: Model, watches: readonly WatchPoint[]): number {
  let bytes = 0;
  for (const w of watches) {
    bytes += 8;
    for (const id of w.data) bytes += 4 * recordWords(model.graph.nodes[id]!.width);
  }
  return bytes;
}

/**
 * A module whose `sample(n)` runs `env.run(1)` up to n times and returns how often it did; before each it looks at the
 * flag and makes the records. Nodes are those of the simplified graph.
 */
export function sampleModule(
  model: Model,
  until: FlatId | null,
  watches: readonly WatchPoint[],
  places: SamplePlaces,
): Uint8Array {
  const module = new WasmModule([...CALLBACKS, { module: "env", name: "run", params: [I32], results: [] }]);
  const functions = functionsOf(module);
  const run = CALLBACKS.length;
  const flag =
    until === null
      ? []
      : compilePass(
          model,
          always([
            {
              once: [until],
              often: [],
              writes: [],
              emit(e) {
                e.code.i32(0);
                e.push(until, 32, "u");
                e.code.memory(Op.i32Store, places.flag);
              },
            },
          ]),
          module,
          functions,
        );
  const groups = watches.map(
    (w, i): Group => ({
      enables: w.valid === null ? [] : [w.valid],
      actions: [recordAction(i, w, places)],
    }),
  );
  const record = compilePass(model, { first: [], groups, last: [] }, module, functions);

  const code = new Code([I32], [I32]);
  const count = 0;
  const steps = code.local(I32);
  code.loop();
  for (const f of flag) code.call(f);
  if (flag.length > 0) code.i32(0).memory(Op.i32Load, places.flag).if().get(steps).op(Op.return).end();
  code.get(steps).get(count).op(Op.i32Eq).if().get(steps).op(Op.return).end();
  if (groups.length > 0) {
    code
      .i32(0)
      .memory(Op.i32Load, places.head)
      .i32(places.limit)
      .op(Op.i32GtU)
      .if()
      .get(steps)
      .op(Op.return)
      .end();
    for (const f of record) code.call(f);
  }
  code.i32(1).call(run);
  code.i32(0).i32(0).memory(Op.i32Load, places.cycle).i32(1).op(Op.i32Add).memory(Op.i32Store, places.cycle);
  code.get(steps).i32(1).op(Op.i32Add).set(steps).br(0).end().op(Op.unreachable);
  module.add(code, "sample");
  return module.encode();
}

function recordAction(index: number, watch: WatchPoint, places: SamplePlaces): Action {
  return {
    once: watch.data,
    often: [],
    writes: [],
    emit(e, enables) {
      const flattened = enables.length > 0;
      if (flattened) {
        e.pushAny(enables);
        e.enter();
      }
      emitRecord(e, index, watch, places);
      if (flattened) e.leave();
    },
  };
}

function emitRecord(e: Emitter, index: number, watch: WatchPoint, places: SamplePlaces): void {
  const { code } = e;
  const head = code.local(I32);
  code.i32(0).memory(Op.i32Load, places.head).set(head);
  code.get(head).i32(0).memory(Op.i32Load, places.cycle).memory(Op.i32Store, 0);
  code.get(head).i32(index).memory(Op.i32Store, 4);
  let at = 8;
  for (const id of watch.data) {
    const width = e.widthOf(id);
    if (isWide(width)) {
      for (let i = 0; i < limbsOf(width); i++) {
        code.get(head);
        e.pushLimb(id, i);
        code.memory(Op.i64Store, at + 8 * i);
      }
    } else {
      code.get(head);
      e.push(id, width <= 32 ? 32 : 64, "u");
      code.memory(width <= 32 ? Op.i32Store : Op.i64Store, at);
    }
    at += 4 * recordWords(width);
  }
  code.i32(0).get(head).i32(at).op(Op.i32Add).memory(Op.i32Store, places.head).release(I32, head);
}
