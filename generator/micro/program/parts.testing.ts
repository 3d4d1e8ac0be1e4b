/** Parts of the microprogram alone in the interpreter, for tests: any model's shape, any stream. */
import assert from "node:assert/strict";
import type { Random } from "../../../golden/model/prng.js";
import { randomModel } from "../../../golden/model/random.js";
import type { ModelShape, QuantisedModel } from "../../../golden/model/types.js";
import { Assembler } from "../assemble.js";
import { Stream, streamImage } from "../image.js";
import { Interpreter } from "../interpret.js";
import { vmemLayout } from "../layout.js";
import { TABLE_ROM } from "../tables.js";
import type { Context } from "./context.js";

export const SHAPE: ModelShape = {
  ...{ dim: 32, hidden: 64, layers: 1, heads: 1, kvHeads: 1, headDim: 32, vocab: 16, context: 16 },
};

export class Bench {
  readonly machine: Interpreter;
  readonly context: Context;

  constructor(
    write: (context: Context) => void,
    readonly model: QuantisedModel = randomModel(SHAPE, 1),
  ) {
    const a = new Assembler();
    const { shape, residualFraction } = model;
    this.context = { a, shape, residualFraction, layout: vmemLayout(shape), image: streamImage(model) };
    write(this.context);
    a.label("bench.seek");
    a.op({ misc: "seek=r", seq: "ret" });
    this.machine = new Interpreter(a.assemble(), TABLE_ROM, 5);
    this.machine.load(this.context.image.words);
  }

  /** The stream memory holds what `write` writes from `at` on, and the stream stands there. */
  stream(write: (stream: Stream) => void, at = 8192): void {
    const stream = new Stream();
    write(stream);
    stream.align();
    this.machine.load([...stream.words(), 0n], at);
    this.seek(at);
  }

  seek(address: number): void {
    this.machine.state.r = address;
    this.machine.call("bench.seek");
  }

  vmem(at: number, count: number): number[] {
    return Array.from(this.machine.state.vmem.subarray(at, at + count));
  }

  act(count: number): number[] {
    return Array.from(this.machine.state.act.subarray(0, count));
  }
}

/** The sticky flag, cleared for the next. */
export function saturated({ machine }: Bench): boolean {
  const { saturated } = machine.state;
  machine.state.saturated = false;
  return saturated;
}

/** Of about `bits` bits, now and then an extreme one. */
export function values(random: Random, count: number, bits: number): Int32Array {
  return Int32Array.from({ length: count }, () => {
    const least = -(2 ** (bits - 1));
    switch (random.integer(0, 19)) {
      case 0:
        return least;
      case 1:
        return -least - 1;
      case 2:
        return 0;
      default:
        return random.integer(least, -least - 1) >> random.integer(0, bits - 1);
    }
  });
}

export function equal(got: ArrayLike<unknown>, wanted: ArrayLike<unknown>, what: string): void {
  assert.deepEqual(Array.from(got), Array.from(wanted), what);
}
