/** The random programs are legal, end, depend on nothing undefined, and use every code of every field. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { Interpreter, type State } from "./interpret.js";
import { FIELDS, type Field } from "./machine.js";
import { randomProgram } from "./random.testing.js";

describe("micro/random", () => {
  it("programs of three seeds run alike from any undefined state", () => {
    const used = new Map<string, number>();
    for (let seed = 1; seed <= 3; seed++) {
      const { program, table, stream, offer, cycles } = randomProgram(seed);
      const states = [3, 4].map((scramble) => {
        const machine = new Interpreter(program, table, scramble);
        machine.load(stream);
        const { state } = machine;
        state.offer = offer;
        while (state.cycle < cycles) {
          for (const [field, code] of Object.entries(program.micros[state.pc]!))
            used.set(`${field} ${code}`, (used.get(`${field} ${code}`) ?? 0) + 1);
          machine.step();
        }
        return state;
      });
      // one by one: what lies above the stack stays undefined, and a difference of all memories is long
      for (const field of Object.keys(states[0]!) as (keyof State)[])
        if (field !== "stack")
          assert.ok(isDeepStrictEqual(states[0]![field], states[1]![field]), `seed ${seed}: ${field}`);
    }
    const missing = (Object.keys(FIELDS) as Field[]).flatMap((field) =>
      FIELDS[field].slice(1).filter((code) => !used.has(`${field} ${code}`)),
    );
    assert.deepEqual(missing, []);
  });
});
