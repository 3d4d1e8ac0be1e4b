import assert from "node:assert/strict";
import { elaborate } from "../../generator/hdl/index.js";
import { liteMasterPorts } from "../../generator/library/axi/lite.js";
import { simulate } from "../../generator/simulate/index.js";
import { AXI_RULES, axiReadCheck, axiWriteCheck } from "./axicheck.js";
import { liteCheck } from "./axiscript.js";

type Inputs = Readonly<Record<string, number | bigint>>;
const PORT = { dataBits: 64, burst: 16, outstanding: 2 };

/** What is broken after these cycles; inputs that a cycle does not name are 0. */
const broken = (
  def: Parameters<typeof elaborate>[0],
  names: readonly string[],
  cycles: readonly Inputs[],
) => {
  const sim = simulate(elaborate(def), { seed: 1 });
  sim.poke("rst", 1);
  sim.step();
  sim.poke("rst", 0);
  for (const cycle of [...cycles, {}]) {
    for (const name of names) sim.poke(name, 0);
    for (const [name, value] of Object.entries(cycle)) sim.poke(name, value);
    sim.step();
  }
  return Number(sim.peek("broken"));
};
const rulesOf = (bits: number): string[] => AXI_RULES.filter((_, i) => (bits >> i) & 1);

const reads = (cycles: readonly Inputs[]): string[] =>
  rulesOf(
    broken(
      axiReadCheck(PORT),
      ["m_araddr", "m_arlen", "m_arvalid", "m_rready", "s_arready", "s_rvalid", "s_rlast", "s_rdata"],
      cycles,
    ),
  );
const writes = (cycles: readonly Inputs[]): string[] =>
  rulesOf(
    broken(
      axiWriteCheck(PORT),
      [
        ...["m_awaddr", "m_awlen", "m_awvalid", "s_awready", "m_wdata", "m_wstrb", "m_wlast", "m_wvalid"],
        ...["s_wready", "s_bvalid", "m_bready"],
      ],
      cycles,
    ),
  );
const ar = (more: Inputs = {}): Inputs => ({
  ...{ m_arvalid: 1, s_arready: 1, m_araddr: 0x1f80, m_arlen: 1, m_arsize: 3, m_arburst: 1 },
  ...more,
});
const r = (more: Inputs = {}): Inputs => ({ s_rvalid: 1, m_rready: 1, ...more });
const last = r({ s_rlast: 1 });
const aw = (more: Inputs = {}): Inputs => ({
  ...{ m_awvalid: 1, s_awready: 1, m_awaddr: 0x2000, m_awlen: 1, m_awsize: 3, m_awburst: 1 },
  ...more,
});
const w = (more: Inputs = {}): Inputs => ({ m_wvalid: 1, s_wready: 1, m_wstrb: 255, ...more });
const end = w({ m_wlast: 1 });
const b: Inputs = { s_bvalid: 1, m_bready: 1 };

const [HELD, FORM, LIMIT, PAGE, MANY, LAST, ORPHAN] = AXI_RULES;

describe("rules of AXI4 as hardware", () => {
  it("say nothing where they are kept", () => {
    assert.deepEqual(
      reads([
        ar({ s_arready: 0 }),
        ar(),
        ar({ m_arlen: 15 }),
        r(),
        last,
        ...Array<Inputs>(15).fill(r()),
        last,
      ]),
      [],
    );
    assert.deepEqual(writes([w(), end, aw(), {}, {}, b, { ...aw({ m_awlen: 0 }), ...end }, {}, b]), []);
    // Bytes without strobe may change.
    const half = w({ m_wstrb: 15, s_wready: 0 });
    assert.deepEqual(writes([{ ...half, m_wdata: 1n << 40n }, half, w({ m_wstrb: 15 })]), []);
  });

  for (const [what, cycles, rule] of [
    ["an address that changes", [ar({ s_arready: 0 }), ar({ m_araddr: 0x1000 })], HELD],
    ["an address that is withdrawn", [ar({ s_arready: 0 }), {}], HELD],
    ["FIXED", [ar({ m_arburst: 0 })], FORM],
    ["a narrow burst", [ar({ m_arsize: 2 })], FORM],
    ["an unaligned burst", [ar({ m_araddr: 0x1004 })], FORM],
    ["a burst that is too long", [ar({ m_araddr: 0x1000, m_arlen: 16 })], LIMIT],
    ["a burst over 4 KB", [ar({ m_araddr: 0x1ff8 })], PAGE],
    ["three bursts at once", [ar(), ar(), ar()], MANY],
    ["RLAST too early", [ar(), last], LAST],
    ["RLAST too late", [ar({ m_arlen: 0 }), r()], LAST],
    ["a word that nobody asked for", [last], ORPHAN],
    ["a word that changes", [ar(), r({ m_rready: 0 }), r({ s_rdata: 1 })], HELD],
  ] as const)
    it(`find ${what}`, () => assert.ok(reads(cycles).includes(rule!), reads(cycles).join()));

  for (const [what, cycles, rule] of [
    ["an address that changes", [aw({ s_awready: 0 }), aw({ m_awaddr: 0x3000 })], HELD],
    ["a word that changes", [w({ s_wready: 0 }), w({ m_wdata: 1 })], HELD],
    ["strobes that change", [w({ s_wready: 0 }), w({ m_wstrb: 1 })], HELD],
    ["WRAP", [aw({ m_awburst: 2 })], FORM],
    ["a burst over 4 KB", [aw({ m_awaddr: 0x2ff8 })], PAGE],
    ["three bursts at once", [aw(), aw(), aw()], MANY],
    ["WLAST too early", [aw(), end, {}], LAST],
    ["WLAST too late", [aw({ m_awlen: 0 }), w(), end, {}], LAST],
    ["a response before the last word", [aw(), w(), b], ORPHAN],
    ["a second response", [aw(), w(), end, b, b], ORPHAN],
    ["a response that is withdrawn", [aw(), w(), end, { s_bvalid: 1 }, {}], HELD],
  ] as const)
    it(`find ${what} of a write`, () => assert.ok(writes(cycles).includes(rule!), writes(cycles).join()));
});

describe("rules of AXI4-Lite as hardware", () => {
  const names = [
    ...Object.keys(liteMasterPorts(8)).map((n) => `m_${n}`),
    ...["awready", "wready", "bvalid", "bresp", "arready", "rvalid", "rdata", "rresp"].map((n) => `s_${n}`),
  ];
  const lite = (cycles: readonly Inputs[]): number => broken(liteCheck(8), names, cycles);
  const address = { m_awvalid: 1, s_awready: 1 };
  const data = { m_wvalid: 1, s_wready: 1 };
  const asks = { m_arvalid: 1, s_arready: 1 };
  for (const [what, cycles, bad] of [
    ["nothing in writes and reads", [address, data, { s_bvalid: 1 }, b, asks, { s_rvalid: 1 }, r()], 0],
    ["a response without a write", [address, b], 1],
    ["an answer without a read", [r()], 1],
    ["an answer that changes", [asks, { s_rvalid: 1 }, r({ s_rdata: 1 })], 1],
    ["a response that is withdrawn", [{ ...address, ...data }, { s_bvalid: 1 }, {}], 1],
    ["an error", [asks, r({ s_rresp: 2 })], 1],
    ["a second answer to one read", [asks, r(), r()], 1],
    ["a second response to one write", [{ ...address, ...data }, b, b], 1],
  ] as const)
    it(`find ${what}`, () => assert.equal(lite(cycles), bad));
});
