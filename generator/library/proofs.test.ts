import assert from "node:assert/strict";
import { fifo } from "./fifo.js";
import { type Buffer, prove } from "./proof.testing.js";
import { skid } from "./skid.js";

// Neither module looks at its data, so few bits stand for all widths.
const fifoOf = (width: number, depth: number): Buffer => ({
  def: fifo(width, depth),
  module: `fifo_${width}x${depth}`,
  width,
  input: "push",
  output: "pop",
  capacity: depth,
  count: "count",
});
const skidOf = (width: number): Buffer => ({
  def: skid(width),
  module: `skid_${width}`,
  width,
  input: "from",
  output: "to",
  capacity: 2,
});

/** Bugs that are put into the emitted Verilog: [what, from, to]. */
type Bug = readonly [string, string, string];
const fifoBugs = (countBit: number): readonly Bug[] => [
  ["takes words when full", `assign push_ready = ~count[${countBit}];`, "assign push_ready = 1'b1;"],
  [
    "loses a word that comes while another leaves",
    "if (pushed) words[tail]",
    "if (pushed & (~popped)) words[tail]",
  ],
  ["gives a word twice", "if (popped) head", "if (popped & (~pushed)) head"],
  ["counts wrongly", "if (popped & (~pushed)) count", "if (popped) count"],
  ["stops too early", `assign push_ready = ~count[${countBit}];`, "assign push_ready = ~(|count);"],
  ["flips a bit", "assign pop_data = words[head];", "assign pop_data = words[head] ^ head[0];"],
];
const SKID_BUGS: readonly Bug[] = [
  ["loses the held word", "full ? held : from_data", "from_data"],
  ["forgets that it holds a word", "valid <= full | taken", "valid <= taken"],
  ["changes a stalled offer", "if (free) data <=", "data <="],
  ["takes words when full", "assign from_ready = ~full;", "assign from_ready = 1'b1;"],
];

describe("proofs: hold until ready, no loss, no duplication, in order", () => {
  const proofs: readonly (readonly [Buffer, number, readonly Bug[]])[] = [
    [skidOf(2), 20, SKID_BUGS],
    [fifoOf(1, 2), 20, fifoBugs(1)],
    [fifoOf(1, 4), 12, fifoBugs(2)],
  ];
  for (const [buffer, depth, bugs] of proofs) {
    it(`${buffer.module}, by z3 to depth ${depth} and by PDR for all time`, async () =>
      assert.deepEqual(await prove(buffer, depth), { bounded: true, unbounded: true }));
    for (const [what, from, to] of bugs) {
      it(`${buffer.module} that ${what} is refuted by both`, async () =>
        assert.deepEqual(await prove(buffer, depth, (text) => text.replace(from, to)), {
          bounded: false,
          unbounded: false,
        }));
    }
  }
});
