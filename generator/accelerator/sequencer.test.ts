import assert from "node:assert/strict";
import { type Host, type Job, sequence } from "../../testbenches/harness/interpreter/sequence.js";
import { assemble, fieldsOf, type Instruction, type NumberField } from "../compile/assemble.js";
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import { BASE_REGISTERS, EPILOGUES, FIELDS, FORMATS, LOOP_DEPTH, type Op } from "../isa/instruction.js";
import { Bench, between, type Random } from "../library/testing.js";
import { FETCH_KINDS } from "../units/fetch.js";
import { STREAM_KINDS } from "../units/unpack.js";
import { sequencer } from "./sequencer.js";

/** With every field of the instruction word in its whole width. */
const widest: AcceleratorConfig = {
  ...defaultConfig,
  matrixRows: 2 ** 18,
  matrixBeats: 2 ** 22,
  features: {
    weights8: true,
    cache8: true,
    cache3: true,
    relu2: true,
    subNorms: true,
    bias: true,
    qkNorm: true,
  },
};
const JOB_OPS = ["load", "emb", "mv", "quant", "softmax"] as const satisfies readonly Op[];
const SIGNED: readonly NumberField[] = ["scaleE"];
const increments = (random: Random): number[] =>
  Array.from({ length: BASE_REGISTERS }, (_, r) =>
    r === 0
      ? 0
      : [between(random, -(2 ** 23), 2 ** 23 - 1), between(random, -3, 3), 0][between(random, 0, 2)]!,
  );

const jobInstruction = (random: Random): Instruction => {
  const op = JOB_OPS[between(random, 0, JOB_OPS.length - 1)]!;
  const epilogue = op === "mv" ? between(random, 0, EPILOGUES.length - 1) : 0;
  const fields: Partial<Record<NumberField, number>> = {};
  for (const name of fieldsOf(op, epilogue)) {
    const most = 2 ** FIELDS[name][1] - 1;
    const value = [0, most, between(random, 0, most), between(random, 0, most)][between(random, 0, 3)]!;
    fields[name] = SIGNED.includes(name) ? value - 2 ** (FIELDS[name][1] - 1) : value;
  }
  if (op === "emb" || op === "mv") fields.epilogue = epilogue;
  return { op, fields: { ...fields, tok: between(random, 0, 2), last: random() < 0.2 ? 1 : 0 } };
};
/** Jobs and loops, nested up to the depth of the sequencer, from address `from` on. */
const body = (random: Random, from: number, depth: number, length: number): Instruction[] => {
  const code: Instruction[] = [];
  for (let i = 0; i < length; i++) {
    if (depth < LOOP_DEPTH && random() < 0.4) {
      const at = from + code.length;
      const inner = body(random, at + 1, depth + 1, between(random, 1, 2));
      code.push({
        op: "loop",
        fields: {
          count: between(random, 0, 3),
          countFrom: between(random, 0, 1),
          target: at + inner.length + 2,
        },
      });
      code.push(...inner, { op: "end", fields: { target: at + 1 }, increments: increments(random) });
    } else if (random() < 0.2)
      code.push({
        op: "base",
        fields: { baseMask: between(random, 0, 255) & 254 },
        increments: increments(random),
      });
    else code.push(jobInstruction(random));
  }
  return code;
};
const program = (random: Random): Instruction[] => {
  const start: Instruction = { op: "base", fields: { baseMask: 254 }, increments: increments(random) };
  return [start, ...body(random, 1, 0, 4), { op: "next", fields: { target: 1 } }, { op: "halt", fields: {} }];
};

type Offer = Readonly<Record<string, number>>;
type Port = "fetch" | "stream" | "result" | "quant" | "softmax";
/** What each queue gets of a job: only the fields that its kind has. */
const offers = (c: AcceleratorConfig, host: Host, job: Job): Partial<Record<Port, Offer>> => {
  const { op, field, tok, toks, position } = job;
  const slots = host.sinks + host.window;
  const live = Math.min(position + 1, slots);
  const sync = { wait: field("wait"), signal: field("signal") };
  const [act, slot] = [job.act % c.actWords, job.slot % c.slots];
  if (op === "quant")
    return { quant: { src: job.dst % 2 ** 14, elements: field("elements"), act, slot, tok, ...sync } };
  if (op === "softmax") return { softmax: { live, ...sync } };
  const format = op === "mv" ? FORMATS[field("format")] : undefined;
  const keys = format === "keys" || format === "keys8";
  const values = format === "values" || format === "values8";
  const rowBlocks = keys ? Math.ceil(live / (c.rows / 2)) : field("rowBlocks");
  const groups = values ? Math.ceil(live / 32) : field("groups");
  const epilogue = EPILOGUES[field("epilogue")]!;
  const cached = op === "mv" && (epilogue === "key" || epilogue === "value");
  const fetchKind =
    op === "emb"
      ? FETCH_KINDS.emb
      : keys
        ? FETCH_KINDS.keys
        : values
          ? FETCH_KINDS.values
          : FETCH_KINDS.plain;
  const memory = {
    fetch: {
      kind: fetchKind,
      addr: job.memory,
      beats: field("beats"),
      rowBlocks: field("rowBlocks"),
      groups: field("groups"),
      live,
      position,
      writesCache: cached ? 1 : 0,
      afterCache: field("fetchAfterCache"),
    },
    stream: { kind: STREAM_KINDS[op], beats: field("beats"), toks, position, wait: field("wait") },
  };
  if (op === "load") return { ...memory, stream: { ...memory.stream, ram: field("ram") } };
  return {
    fetch: memory.fetch,
    stream: {
      ...memory.stream,
      format: field("format"),
      rowBlocks,
      groups,
      ...(op === "mv" ? { act, actStride: field("actStride") % c.actWords } : {}),
    },
    result: {
      epilogue: field("epilogue"),
      scaling: field("scaling"),
      scaleM: field("scaleM"),
      scaleE: field("scaleE"),
      rows: keys ? live : field("rows"),
      rowBlocks,
      wide: format === "w2" || format === "ternary" || format === "n24" ? 1 : 0,
      groups,
      toks,
      tok,
      position,
      live,
      signal: field("signal"),
      cacheSlot: position < host.sinks ? position : host.sinks + ((position - host.sinks) % host.window),
      ...(op === "mv" ? { scaleSlot: job.scaleSlot % c.slots } : {}),
      ...(cached
        ? { cacheAddr: job.cache, cacheHeadStride: field("cacheHeadStride"), headGroups: field("headGroups") }
        : { dst: job.dst % 2 ** 14, dstStride: field("dstStride"), slot, slotInit: field("slotInit") }),
      ...(op === "mv" && (epilogue === "query" || epilogue === "key" || epilogue === "value")
        ? { bias_0: field("bias") }
        : {}),
      ...(op === "mv" && (epilogue === "query" || epilogue === "key")
        ? { headNorm_0: field("headNorm") }
        : {}),
      ...(op === "mv" && epilogue === "query" ? { constant_0: job.constant % 2 ** 13 } : {}),
      ...(op === "mv" && epilogue === "gateup" ? { relu2_0: field("relu2") } : {}),
      ...(op === "mv" && (epilogue === "gateup" || epilogue === "attend")
        ? {
            subNorm_0: field("subNorm"),
            ...(epilogue === "attend" ? { constant_0: job.constant % 2 ** 13 } : {}),
          }
        : {}),
      ...(op === "mv" && (epilogue === "residual" || epilogue === "score") ? { norm_0: field("norm") } : {}),
    },
  };
};

const PORTS = ["fetch", "stream", "result", "quant", "softmax"] as const;
const run = (c: AcceleratorConfig, seed: number, rounds: number, most: number): void => {
  const got: Record<Port, Offer[]> = { fetch: [], stream: [], result: [], quant: [], softmax: [] };
  const expected: Record<Port, Offer[]> = { fetch: [], stream: [], result: [], quant: [], softmax: [] };
  const held = new Map<Port, Offer>();
  const read = (port: Port): Offer | undefined => {
    const want = expected[port][got[port].length];
    if (want === undefined) return undefined;
    return Object.fromEntries(
      Object.keys(want).map((f) => [
        f,
        Number(
          f === "scaleE" ? BigInt.asIntN(10, bench.sim.peek(`${port}_${f}`)) : bench.sim.peek(`${port}_${f}`),
        ),
      ]),
    );
  };
  let rate = 1;
  const bench: Bench = new Bench(sequencer(c), seed, ({ sim, random: r }) => {
    const ready = PORTS.map(() => (r() < rate ? 1 : 0));
    for (const [i, port] of PORTS.entries()) sim.poke(`${port}_ready`, ready[i]!);
    for (const [i, port] of PORTS.entries()) {
      if (sim.peek(`${port}_valid`) === 0n) {
        assert.ok(!held.has(port), `${port}: an offer is withdrawn`);
        continue;
      }
      const offer = read(port);
      assert.ok(offer !== undefined, `${port}: more jobs than the program has`);
      if (held.has(port)) assert.deepEqual(offer, held.get(port), `${port}: an offer changes`);
      held.set(port, offer);
      if (ready[i] === 0) continue;
      held.delete(port);
      assert.deepEqual(offer, expected[port][got[port].length], `${port} job ${got[port].length}`);
      got[port].push(offer);
    }
    sim.poke("idle", r() < 0.2 ? 1 : 0);
  });
  const { sim, random } = bench;
  sim.poke("start", 0);
  sim.poke("program_enable", 0);
  for (let round = 0; round < rounds; round++) {
    const sinks = between(random, 0, 3);
    const promptLength = between(random, 1, most);
    const host: Host = {
      promptLength,
      total: promptLength + between(random, 0, most),
      epsilonSum: 0,
      sinks,
      window: between(random, 1, most),
      tokens: c.tokens,
    };
    let code = program(random);
    while (code.length > c.programInstructions) code = program(random);
    for (const name of ["promptLength", "total", "sinks", "window"] as const)
      sim.poke(`host_${name}`, host[name]);
    for (const [addr, data] of assemble(code).entries()) {
      for (const [field, v] of Object.entries({ enable: 1, addr, data })) sim.poke(`program_${field}`, v);
      bench.cycle();
    }
    sim.poke("program_enable", 0);
    rate = [1, 0.3][round % 2]!;
    for (const port of PORTS) expected[port] = [];
    for (const job of sequence(code, host))
      for (const [port, offer] of Object.entries(offers(c, host, job)) as [Port, Offer][])
        expected[port].push(offer);
    // twice: nothing is left of the first run
    for (let again = 0; again < 2; again++) {
      for (const port of PORTS) got[port] = [];
      sim.poke("start", 1);
      bench.cycle();
      sim.poke("start", 0);
      assert.deepEqual([sim.peek("busy"), sim.peek("done")], [1n, 0n]);
      bench.run(() => sim.peek("done") === 1n, 200_000);
      assert.equal(sim.peek("busy"), 0n);
      for (const port of PORTS) assert.equal(got[port].length, expected[port].length, `${port}: jobs`);
    }
  }
};

describe("sequencer", () => {
  for (const [rows, tokens] of [
    [2, 1],
    [2, 2],
    [4, 1],
    [4, 4],
  ] as const) {
    it(`hands out the jobs of programs: ${rows} rows, ${tokens} token(s)`, () =>
      run({ ...widest, rows, tokens }, 10 * rows + tokens, 12, 8));
  }

  it("runs programs in a smaller program memory", () => {
    const c = { ...widest, programInstructions: 32 };
    run(c, 7, 6, 4);
  });
});
