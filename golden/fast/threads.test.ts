/** Worker threads: a failure of one reaches the caller, and none keeps a process alive. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { randomModel } from "../model/random.js";
import { BLOCK } from "./kernels/memory.js";
import { Layout } from "./layout.js";
import { FastModel } from "./model.js";
import { planModel } from "./plan.js";
import { Threads } from "./threads.js";

const SHAPE = { dim: 32, hidden: 64, layers: 1, heads: 2, kvHeads: 2, headDim: 16, vocab: 64, context: 8 };

describe("threads of the fast model", () => {
  it("the error of a worker is thrown where the run was asked for, and ends the others", () => {
    const layout = new Layout("test");
    const plan = planModel(layout, randomModel(SHAPE, 51), 1, 3);
    const memory = layout.allocate();
    const outside = memory.buffer.byteLength; // the third thread's memory is none
    const threads = new Threads(memory, [plan.areas[0]!, plan.areas[1]!, outside]);
    new Int32Array(memory.buffer)[BLOCK.tokens / 4] = 1;
    assert.throws(
      () => threads.run(plan.steps),
      /worker thread 2: RuntimeError: memory access out of bounds/,
    );
    assert.throws(() => threads.run(plan.steps), /closed/);
  });

  it("many runs with more threads than cores neither hang nor differ", () => {
    const model = randomModel(SHAPE, 52);
    const fast = new FastModel(model, { threads: 6 });
    fast.run([1], 0);
    const first = fast.logits(0).slice();
    for (let i = 0; i < 100; i++) {
      fast.run([1], 0);
      assert.deepEqual(fast.logits(0), first);
    }
    fast.close();
  });

  it("a process with an open model ends", async () => {
    const here = (file: string): string => JSON.stringify(fileURLToPath(new URL(file, import.meta.url)));
    const program = `
      const { FastModel } = await import(${here("model.ts")});
      const { randomModel } = await import(${here("../model/random.ts")});
      const fast = new FastModel(randomModel(${JSON.stringify(SHAPE)}, 53), { threads: 2 });
      fast.run([1, 2, 3], 0);
      console.log(fast.logits(2).length);
    `;
    const run = promisify(execFile);
    const { stdout } = await run(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "-e", program],
      {
        timeout: 60_000,
      },
    );
    assert.equal(stdout.trim(), "64");
  });
});
