/** The link between bytes and a machine that chooses tokens by a rule: what the machine is given, what is answered. */
import assert from "node:assert/strict";
import { Bench } from "../../library/testing.js";
import { goCommand, parseAnswers, promptCommand } from "../../../testbenches/harness/serial.js";
import { microLink } from "./link.js";

const POSITIONS = 256;
const CRC = [0x12, 0x34, 0x56, 0x78];

interface Pass {
  readonly token: number;
  readonly position: number;
  readonly wanted: boolean;
}
/** The token that the machine chooses. */
const choice = ({ token, position }: Pass): number => (7 * token + position + 0x1234) & 0xffff;

/** A link with a machine that takes `cycles` a pass, and a line that takes a byte every `line` cycles. */
const start = (cycles: number, line: number, state: { loaded: boolean; failed: boolean }) => {
  const passes: Pass[] = [];
  const [received, turns] = [[] as number[], { done: 0 }];
  const waiting: number[] = [];
  let [left, busy] = [cycles, 0];
  const bench = new Bench(microLink(POSITIONS), 1, ({ sim }) => {
    sim.poke("loaded", state.loaded ? 1 : 0);
    sim.poke("failed", state.failed ? 1 : 0);
    sim.poke("saturated", 1);
    sim.poke("identity", CRC[(turns.done >> 3) & 3]!);
    turns.done += Number(sim.peek("turn"));
    const runs = sim.peek("run_valid") === 1n;
    left = runs ? left - 1 : cycles;
    sim.poke("chosen_valid", runs && left === 0 ? 1 : 0);
    if (runs && left === 0) {
      const pass = {
        token: Number(sim.peek("run_token")),
        position: Number(sim.peek("run_position")),
        wanted: sim.peek("run_wanted") === 1n,
      };
      passes.push(pass);
      sim.poke("chosen_token", choice(pass));
    }
    sim.poke("sent_ready", busy === 0 ? 1 : 0);
    if (busy > 0) busy--;
    else if (sim.peek("sent_valid") === 1n) {
      received.push(Number(sim.peek("sent_data")));
      busy = line;
    }
    const next = bench.cycles % line === 0 ? waiting.shift() : undefined;
    sim.poke("byte_valid", next === undefined ? 0 : 1);
    sim.poke("byte_value", next ?? 0);
  });
  for (const [port, value] of [
    ["chosen_valid", 0],
    ["chosen_token", 0],
    ["byte_valid", 0],
  ] as const)
    bench.sim.poke(port, value);
  return {
    passes,
    say: (bytes: readonly number[]) => void waiting.push(...bytes),
    /** Until so many bytes have come. */
    until: (bytes: number) => {
      bench.run(() => received.length >= bytes, 200_000);
      return parseAnswers(received.splice(0));
    },
    wait: (n: number) =>
      bench.run(
        (
          (end) => () =>
            bench.cycles >= end
        )(bench.cycles + n),
        n + 1,
      ),
    received,
  };
};

/** What a machine is given, and chooses. */
const expected = (prompt: readonly number[], total: number): { passes: Pass[]; chosen: number[] } => {
  const passes: Pass[] = [];
  const chosen: number[] = [];
  for (let position = 0; position < total; position++) {
    const token = prompt[position] ?? chosen.at(-1)!;
    passes.push({ token, position, wanted: position >= prompt.length - 1 });
    if (position >= prompt.length - 1) chosen.push(choice(passes.at(-1)!));
  }
  return { passes, chosen };
};

describe("link of the micro machine", () => {
  for (const [cycles, line] of [
    [500, 40],
    [3, 40],
    [90, 40],
    [119, 40],
    [160, 40],
  ] as const)
    it(`positions of ${cycles} cycles, bytes of ${line}: tokens of the prompt, then the chosen ones, all answered`, () => {
      const link = start(cycles, line, { loaded: true, failed: false });
      for (const [prompt, total] of [
        [[1, 0x1fe, 0xabcd], 9],
        [[5], 1],
        [[4, 4, 4, 4], 2],
        [[9, 8], 0],
        [[511], 6],
      ] as const) {
        const { passes, chosen } = expected(prompt, total);
        link.say([...promptCommand(prompt), ...goCommand(total)]);
        assert.deepEqual(link.until(4 * chosen.length + 2), [
          ...chosen.map((token) => ({ kind: "token", token })),
          { kind: "done", saturated: true },
        ]);
        assert.deepEqual(link.passes.splice(0), passes);
      }
    });

  it("a prompt as long as there are positions; below the last position it stays for a second run", () => {
    const link = start(4, 8, { loaded: true, failed: false });
    const prompt = Array.from({ length: POSITIONS }, (_, i) => 3 * i + 1);
    link.say(promptCommand(prompt));
    for (const total of [POSITIONS - 1, POSITIONS]) {
      link.say(goCommand(total));
      const { passes, chosen } = expected(prompt, total);
      assert.deepEqual(link.until(4 * chosen.length + 2), [
        ...chosen.map((token) => ({ kind: "token", token })),
        { kind: "done", saturated: true },
      ]);
      assert.deepEqual(link.passes.splice(0), passes);
    }
  });

  it("says who it is, also twice and while it runs; refuses what is no command and commands while it runs", () => {
    const link = start(2000, 40, { loaded: true, failed: false });
    const me = { kind: "identify", id: 0x78563412 };
    link.say([0x49]);
    assert.deepEqual(link.until(5), [me]);
    link.say([0x00]);
    assert.deepEqual(link.until(2), [{ kind: "error", byte: 0 }]);
    link.say([...promptCommand([1]), ...goCommand(1)]);
    link.wait(600);
    link.say([0x47, 0x49]);
    assert.deepEqual(link.until(7), [me, { kind: "error", byte: 0x47 }].reverse());
    assert.equal(link.until(6).length, 2);
  });

  it("is silent while the flash is read; then answers what was asked", () => {
    const state = { loaded: false, failed: false };
    const link = start(50, 40, state);
    link.say([0x49, 0x50]);
    link.wait(2000);
    assert.deepEqual(link.received, []);
    state.loaded = true;
    assert.deepEqual(
      link.until(7).map(({ kind }) => kind),
      ["identify", "error"],
    );
  });

  it("without a model it says who it is and runs nothing", () => {
    const link = start(50, 40, { loaded: false, failed: true });
    link.say([0x49]);
    assert.deepEqual(
      link.until(5).map(({ kind }) => kind),
      ["identify"],
    );
    link.say([0x47]);
    assert.deepEqual(link.until(2), [{ kind: "error", byte: 0x47 }]);
    assert.deepEqual(link.passes, []);
  });
});
