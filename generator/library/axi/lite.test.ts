import assert from "node:assert/strict";
import { LiteHost } from "../../../testbenches/harness/axilite.js";
import {
  defineModule,
  elaborate,
  Mem,
  cat,
  reg,
  bool,
  replicate,
  source,
  uint,
  when,
} from "../../hdl/index.js";
import { simulate } from "../../simulate/index.js";
import { between, randomFrom } from "../testing.js";
import { lite, liteMasterPorts, liteSlavePorts } from "./lite.js";

/** A memory behind the slave that is busy now and then. */
const memory = defineModule(
  "lite_memory",
  { in: { axi: liteMasterPorts(8), busy: bool }, out: { axi: liteSlavePorts } },
  ({ axi, busy }) => {
    const words = new Mem("words", uint(32), 64, { readDuringWrite: "old" });
    const answered = reg("answered", bool, { reset: 0 });
    const addr = reg("addr", uint(6));
    const answer = source(uint(32), words.readAsync(addr), answered.and(busy.not()), "answer");
    const slave = lite(8).inst("u_lite", { axi, answer });
    const nibble = (i: number) => slave.write.payload.strobe.bit(i);
    const written = slave.write.consume(busy.not());
    const mask = cat(...[3, 2, 1, 0].map((i) => replicate(nibble(i), 2)));
    words.write(written, slave.write.payload.word, slave.write.payload.data, { mask, granule: 4 });
    when(answer.fire, () => answered.set(0));
    when(slave.read.consume(answered.not().and(busy.not())), () => {
      answered.set(1);
      addr.set(slave.read.payload.word);
    });
    return { axi: slave.axi };
  },
);

describe("AXI4-Lite slave", () => {
  it("reads and writes words, whatever the order and pauses of the channels", () => {
    const sim = simulate(elaborate(memory), { seed: 1 });
    sim.poke("rst", 1);
    sim.step();
    sim.poke("rst", 0);
    const random = randomFrom(5);
    const tick = (): void => {
      sim.poke("busy", random() < 0.4 ? 1 : 0);
      sim.step();
    };
    const host = new LiteHost(sim, "axi", tick, () => (random() < 0.5 ? 0 : between(random, 1, 4)));
    const model = Array.from({ length: 64 }, () => 0);
    for (let i = 0; i < 64; i++) host.write(4 * i, 0);
    for (let n = 0; n < 1500; n++) {
      const i = between(random, 0, 63);
      if (random() < 0.5) {
        assert.equal(host.read(4 * i), model[i], `word ${i} in round ${n}`);
        continue;
      }
      const [value, strobe] = [between(random, 0, 2 ** 32 - 1), between(random, 0, 15)];
      let bits = 0;
      for (let b = 0; b < 4; b++) if ((strobe >> b) & 1) bits |= 255 << (8 * b);
      model[i] = ((model[i]! & ~bits) | (value & bits)) >>> 0;
      host.write(4 * i, value, strobe);
    }
  });
});
