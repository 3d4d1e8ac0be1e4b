/** Jobs of the instruction at hand, offered to the queues of the units; each takes its own in its own time. */
import { anyOf, bool, lit, mux, reg, type Sig, source, uint, when } from "../hdl/index.js";
import { type AcceleratorConfig, beatCountBits, log2, rowBits } from "../isa/config.js";
import {
  CACHE_WIDTHS,
  EPILOGUES,
  type Epilogue,
  FORMATS,
  type Format,
  isWide,
  type Op,
} from "../isa/instruction.js";
import { FETCH_KINDS } from "../units/fetch.js";
import {
  fetchJob,
  formatBits,
  hasConstant,
  hasNorms,
  quantJob,
  ramBits,
  resultJob,
  softmaxJob,
  streamJob,
} from "../units/jobs.js";
import type { Bool } from "../units/signals.js";
import { STREAM_KINDS } from "../units/unpack.js";
import type { Fields, Operands } from "./operands.js";

type Is = Readonly<Record<Op, Bool>>;
const kindLit = (kind: number): Sig<"u", 2> => lit(uint(2), kind);

const CACHE8: readonly Format[] = ["keys8", "values8"];
const ifCache8 = (c: AcceleratorConfig, is: () => Bool): Bool[] => (c.features.cache8 ? [is()] : []);

const fetchOffer = (c: AcceleratorConfig, f: Fields, o: Operands, is: Is, valid: Bool) => {
  const { keys, values, plain, emb } = FETCH_KINDS;
  const epilogue = (name: Epilogue): Bool => f("epilogue").eq(EPILOGUES.indexOf(name));
  return source(
    fetchJob(c),
    {
      kind: mux(
        is.emb,
        kindLit(emb),
        mux(o.keys, kindLit(keys), mux(o.values, kindLit(values), kindLit(plain))),
      ).as("fetch_kind"),
      addr: o.memory,
      beats: f("beats").resize(beatCountBits(c)),
      rowBlocks: f("rowBlocks").resize(rowBits(c)),
      groups: f("groups"),
      live: o.live,
      position: o.position,
      writesCache: is.mv.and(epilogue("key").or(epilogue("value"))).as("writes_cache"),
      afterCache: f("fetchAfterCache"),
      eight: ifCache8(c, () => anyOf(CACHE8.map((name) => o.isFormat(name)))),
    },
    valid,
    "fetch_offer",
  );
};

const streamOffer = (c: AcceleratorConfig, f: Fields, o: Operands, is: Is, valid: Bool) => {
  const { load, emb, mv } = STREAM_KINDS;
  return source(
    streamJob(c),
    {
      kind: mux(is.load, kindLit(load), mux(is.emb, kindLit(emb), kindLit(mv))).as("stream_kind"),
      format: f("format").resize(formatBits(c)),
      ram: f("ram").resize(ramBits(c)),
      beats: f("beats").resize(beatCountBits(c)),
      rowBlocks: o.rowBlocks,
      groups: o.groups,
      toks: o.toks,
      act: o.act,
      actStride: f("actStride").resize(log2(c.actWords)),
      position: o.position,
      wait: f("wait"),
    },
    valid,
    "stream_offer",
  );
};

const resultOffer = (c: AcceleratorConfig, f: Fields, o: Operands, is: Is, valid: Bool) =>
  source(
    resultJob(c),
    {
      epilogue: f("epilogue"),
      scaling: f("scaling"),
      scaleM: f("scaleM"),
      scaleE: f("scaleE").asSigned(),
      scaleSlot: o.scaleSlot,
      rows: mux(o.keys, o.live.resize(rowBits(c)), f("rows").resize(rowBits(c))).as("result_rows"),
      rowBlocks: o.rowBlocks,
      wide: is.mv.and(anyOf(FORMATS.filter(isWide).map((name) => o.isFormat(name)))).as("is_wide"),
      groups: o.groups,
      toks: o.toks,
      tok: o.tok,
      position: o.position,
      cacheSlot: o.cacheSlot,
      live: o.live,
      dst: o.dst,
      dstStride: f("dstStride"),
      slot: o.slot,
      slotInit: f("slotInit"),
      cacheAddr: o.cache,
      cacheHeadStride: f("cacheHeadStride"),
      headGroups: f("headGroups"),
      eight: ifCache8(c, () => f("cacheWidth").eq(CACHE_WIDTHS.indexOf(8))),
      three: c.features.cache3 ? [f("cacheWidth").eq(CACHE_WIDTHS.indexOf(3))] : [],
      keys8: ifCache8(c, () => f("cacheKeys8")),
      relu2: c.features.relu2 ? [f("relu2")] : [],
      subNorm: c.features.subNorms ? [f("subNorm")] : [],
      bias: c.features.bias ? [f("bias")] : [],
      headNorm: c.features.qkNorm ? [f("headNorm")] : [],
      constant: hasConstant(c) ? [o.constant] : [],
      norm: hasNorms(c) ? [f("norm")] : [],
      signal: f("signal"),
    },
    valid,
    "result_offer",
  );

/** Streams to the units, valid from `offer` until each is taken. */
export const offersOf = (c: AcceleratorConfig, f: Fields, o: Operands, is: Is) => {
  const pending = {
    fetch: reg("offer_fetch", bool, { reset: 0 }),
    stream: reg("offer_stream", bool, { reset: 0 }),
    result: reg("offer_result", bool, { reset: 0 }),
    quant: reg("offer_quant", bool, { reset: 0 }),
    softmax: reg("offer_softmax", bool, { reset: 0 }),
  };
  const [wait, signal] = [f("wait"), f("signal")];
  const streams = {
    fetch: fetchOffer(c, f, o, is, pending.fetch),
    stream: streamOffer(c, f, o, is, pending.stream),
    result: resultOffer(c, f, o, is, pending.result),
    quant: source(
      quantJob(c),
      { src: o.dst, elements: f("elements"), act: o.act, slot: o.slot, tok: o.tok, wait, signal },
      pending.quant,
      "quant_offer",
    ),
    softmax: source(softmaxJob(c), { live: o.live, wait, signal }, pending.softmax, "softmax_offer"),
  };
  const units = ["fetch", "stream", "result", "quant", "softmax"] as const;
  for (const unit of units) when(streams[unit].fire, () => pending[unit].set(0));
  const toMemory = anyOf([is.load, is.emb, is.mv]).as("to_memory");
  return {
    streams,
    isJob: anyOf([is.load, is.emb, is.mv, is.quant, is.softmax]).as("is_job"),
    allTaken: anyOf(units.map((unit) => pending[unit].and(streams[unit].ready.not())))
      .not()
      .as("all_taken"),
    offer: (): void => {
      pending.fetch.set(toMemory);
      pending.stream.set(toMemory);
      pending.result.set(is.emb.or(is.mv));
      pending.quant.set(is.quant);
      pending.softmax.set(is.softmax);
    },
  };
};
