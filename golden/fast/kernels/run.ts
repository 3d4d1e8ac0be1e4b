/**
 * Runs the plan: a list of steps in memory, each one kernel with its arguments, with a barrier where the next step needs
 * all of what came before. Every thread goes through the whole list and does its share of each step.
 */
import {
  add,
  atomicAdd,
  atomicLoad,
  atomicNotify,
  atomicStore,
  atomicWait,
  type Expr,
  eq,
  i32,
  load32,
  mul,
  ne,
  sub,
} from "../assembler/expression.js";
import type { Callable, Module } from "../assembler/module.js";
import { CONTROL, STEP, word } from "./memory.js";

type Kernel = Callable<readonly ["i32", "i32", "i32"], "void">;

/** Looks at a word this often before it sleeps: a barrier is mostly short. */
const SPINS = 4000;
/** Sleepers look up this often, in case a thread failed. */
const NAP = 50e6; // nanoseconds

export function runFunctions(
  module: Module,
  area: { set(value: Expr<"i32">): Expr<"void"> },
  kernels: readonly Kernel[],
): void {
  /** Returns when the word is not `old` any more; traps when another thread has failed. */
  const waitChange = module.func("waitChange", ["i32", "i32"], "void", (f, address, old) => {
    const spins = f.let(i32(SPINS));
    f.while(eq(atomicLoad(address), old), () => {
      f.if(
        spins,
        () => f.set(spins, sub(spins, 1)),
        () => {
          f.drop(atomicWait(address, old, NAP));
          f.if(atomicLoad(i32(CONTROL.fault)), () => f.trap());
        },
      );
    });
  });

  const barrier = module.func("barrier", ["i32"], "void", (f, threads) => {
    f.if(eq(threads, 1), () => f.return());
    const generation = f.let(atomicLoad(i32(CONTROL.generation)));
    f.if(
      eq(atomicAdd(i32(CONTROL.arrived), 1), sub(threads, 1)),
      () => {
        f.do(atomicStore(i32(CONTROL.arrived), i32(0)));
        f.drop(atomicAdd(i32(CONTROL.generation), 1));
        f.drop(atomicNotify(i32(CONTROL.generation)));
      },
      () => f.do(waitChange(i32(CONTROL.generation), generation)),
    );
  });

  const run = module.func("run", ["i32", "i32"], "void", (f, thread, threads) => {
    const step = f.let(word(CONTROL.steps));
    const end = f.let(add(step, mul(word(CONTROL.count), STEP.bytes)));
    const kernel = f.local("i32");
    f.while(ne(step, end), () => {
      f.set(kernel, load32(step, STEP.kernel));
      for (const [i, call] of kernels.entries()) f.if(eq(kernel, i), () => f.do(call(step, thread, threads)));
      f.if(load32(step, STEP.barrier), () => f.do(barrier(threads)));
      f.set(step, add(step, STEP.bytes));
    });
  });

  module.func("setArea", ["i32"], "void", (f, address) => f.do(area.set(address)));

  /** The main thread's: one run of all threads. */
  module.func("start", ["i32"], "void", (f, threads) => {
    f.drop(atomicAdd(i32(CONTROL.start), 1));
    f.drop(atomicNotify(i32(CONTROL.start)));
    f.do(run(i32(0), threads));
  });

  /** Every other thread's: runs whenever the start word changes, until the stop word is set. */
  module.func("serve", ["i32", "i32"], "void", (f, thread, threads) => {
    const seen = f.local("i32");
    const going = f.let(i32(1));
    f.drop(atomicAdd(i32(CONTROL.ready), 1));
    f.drop(atomicNotify(i32(CONTROL.ready)));
    f.while(going, () => {
      f.do(waitChange(i32(CONTROL.start), seen));
      f.set(seen, atomicLoad(i32(CONTROL.start)));
      f.if(
        atomicLoad(i32(CONTROL.stop)),
        () => f.set(going, i32(0)),
        () => f.do(run(thread, threads)),
      );
    });
  });
}
