/** Sequencer: runs loops, base registers and batches, and hands every other instruction to the unit queues. */
import {
  anyOf,
  bool,
  cat,
  defineModule,
  enumReg,
  lit,
  match,
  Mem,
  mux,
  reg,
  select,
  type Sig,
  source,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { tokBits, toksBits } from "../engines/port.js";
import {
  BASE_BITS,
  BASE_REGISTERS,
  EPILOGUES,
  FORMATS,
  isWide,
  INSTRUCTION_BITS,
  LOOP_DEPTH,
  OPS,
  type Op,
  PROGRAM_WORD_BITS,
  TOKEN_SELECTS,
} from "../isa/instruction.js";
import { type AcceleratorConfig, log2 } from "../isa/config.js";
import { FETCH_KINDS } from "../units/fetch.js";
import { fetchJob, quantJob, resultJob, softmaxJob, streamJob } from "../units/jobs.js";
import { STREAM_KINDS } from "../units/unpack.js";
import { fieldOf, incrementsOf } from "./decode.js";

type Bool = Sig<"u", 1>;
type U = Sig<"u", number>;
const WORDS = INSTRUCTION_BITS / PROGRAM_WORD_BITS;

/** Registers that the host sets before `start` and holds. */
export const hostRegisters = (c: AcceleratorConfig) => ({
  promptLength: uint(16),
  total: uint(16),
  sinks: uint(log2(c.context) + 1),
  window: uint(log2(c.context) + 1),
});

export const sequencer = (c: AcceleratorConfig) => {
  const pcBits = log2(c.programInstructions);
  const slotBits = log2(c.context);
  return defineModule(
    "sequencer",
    {
      in: {
        start: bool,
        host: hostRegisters(c),
        idle: bool, // every unit has finished what it was given
        program: { enable: bool, addr: uint(pcBits + 2), data: uint(PROGRAM_WORD_BITS) },
      },
      out: {
        fetch: stream(fetchJob(c)),
        stream: stream(streamJob(c)),
        result: stream(resultJob(c)),
        quant: stream(quantJob(c)),
        softmax: stream(softmaxJob(c)),
        busy: bool,
        done: bool,
      },
      doc: "Sequencer: program to jobs (instruction set: generator/isa).",
    },
    ({ start, host, idle, program }) => {
      const memory = new Mem("program", uint(PROGRAM_WORD_BITS), c.programInstructions * WORDS, {
        readDuringWrite: "old",
        style: "block",
      });
      memory.write(program.enable, program.addr, program.data);
      const state = enumReg("state", ["idle", "fetch", "execute", "offer", "halt"]);
      const pc = reg("pc", uint(pcBits));
      const word = reg("word_index", uint(3));
      const at = cat(pc, word.slice(1, 0)).as("program_address") as U;
      const read = memory.read(at) as U;
      const parts = Array.from({ length: WORDS }, (_, i) => reg(`instruction_${i}`, uint(PROGRAM_WORD_BITS)));
      const instruction = cat(...[...parts].reverse()) as U;
      const f = (name: Parameters<typeof fieldOf>[1]): U => fieldOf(instruction, name);
      const op = f("op");
      const is = (name: Op): Bool => op.eq(OPS.indexOf(name)).as(`is_${name}`) as Bool;
      const ops = {
        halt: is("halt"),
        loop: is("loop"),
        end: is("end"),
        base: is("base"),
        next: is("next"),
        load: is("load"),
        emb: is("emb"),
        mv: is("mv"),
        quant: is("quant"),
        softmax: is("softmax"),
      };

      // batch: position of its first token, tokens, ring slot
      const slots = host.sinks.addMod(host.window).as("slots") as U;
      const position = reg("position", uint(16));
      const toks = reg("toks", uint(toksBits(c)));
      const ringSlot = reg("ring_slot", uint(slotBits));
      /** Tokens of a batch at a position: several only inside the prompt and before the ring comes round. */
      const toksAt = (pos: U): U => {
        if (c.tokens === 1) return lit(uint(toksBits(c)), 1) as U;
        const left = host.promptLength.sub(pos).as("prompt_left");
        const wanted = mux(left.gt(c.tokens), c.tokens, left.asUnsigned().resize(toksBits(c))).resize(
          toksBits(c),
        ) as U;
        const fits = left.gt(0).and(pos.add(wanted.extend(16)).le(slots.extend(17)));
        return mux(fits, wanted, 1).resize(toksBits(c)) as U;
      };
      const after = position.addMod(toks.extend(16)).as("position_after") as U;

      // loops
      const depth = reg("loop_depth", uint(3));
      const levels = Array.from({ length: LOOP_DEPTH }, (_, i) => ({
        left: reg(`loop_${i}_left`, uint(16)),
        body: reg(`loop_${i}_body`, uint(pcBits)),
        ofToks: reg(`loop_${i}_of_toks`, bool),
        index: reg(`loop_${i}_index`, uint(tokBits(c))),
      }));
      let loopTok: U = lit(uint(tokBits(c)), 0) as U;
      for (const [i, l] of levels.entries()) loopTok = mux(depth.gt(i).and(l.ofToks), l.index, loopTok) as U;

      const bases = Array.from({ length: BASE_REGISTERS - 1 }, (_, i) =>
        reg(`base_${i + 1}`, uint(BASE_BITS)),
      );
      const base = (r: U): U => select(r, [lit(uint(BASE_BITS), 0) as U, ...bases]) as U;
      const increments = incrementsOf(instruction);

      // operands
      const tokSelect = f("tok");
      const isAll = tokSelect.eq(TOKEN_SELECTS.indexOf("all")).as("tok_all") as Bool;
      const tok = (
        c.tokens === 1
          ? lit(uint(1), 0)
          : mux(
              isAll,
              0,
              mux(tokSelect.eq(TOKEN_SELECTS.indexOf("last")), toks.subMod(1).resize(tokBits(c)), loopTok),
            )
      )
        .resize(tokBits(c))
        .as("tok") as U;
      const jobToks = mux(isAll, toks, 1).resize(toksBits(c)).as("job_toks") as U;
      const tokPosition = position.addMod(tok.extend(16)).as("tok_position") as U;
      const reached = tokPosition.add(1) as U;
      const live = mux(reached.gt(slots.extend(17)), slots, reached.resize(slotBits + 1))
        .resize(slotBits + 1)
        .as("live") as U;
      const operand = (offset: U, r: U): U => offset.extend(BASE_BITS).addMod(base(r)) as U;
      const memoryAddress = operand(f("memOffset"), f("memBase")).as("memory_address") as U;
      const stepped = (address: U, stride: U): U =>
        (c.tokens === 1 ? address : address.addMod(tok.mul(stride).resize(BASE_BITS))) as U;
      const act = stepped(operand(f("act"), f("actBase")), f("actStride"))
        .resize(log2(c.actWords))
        .as("act") as U;
      const dst = stepped(operand(f("dst"), f("dstBase")), f("dstStride"))
        .resize(14)
        .as("dst") as U;
      const slot = operand(f("slot"), f("slotBase")).resize(log2(c.slots)).as("slot") as U;
      const scaleSlot = operand(f("scaleSlot"), f("scaleSlotBase"))
        .resize(log2(c.slots))
        .as("scale_slot") as U;
      const cache = operand(f("cacheOffset"), f("cacheBase")).as("cache_address") as U;
      const format = f("format");
      const isFormat = (name: (typeof FORMATS)[number]): Bool =>
        ops.mv.and(format.eq(FORMATS.indexOf(name))) as Bool;
      const isKeys = isFormat("keys").as("is_keys") as Bool;
      const isValues = isFormat("values").as("is_values") as Bool;
      const pairLow = log2(c.rows / 2);
      const keyBlocks = live
        .add(c.rows / 2 - 1)
        .shr(pairLow)
        .resize(16) as U;
      const rowBlocks = mux(isKeys, keyBlocks, f("rowBlocks")).as("row_blocks") as U;
      const valueGroups = live.add(31).shr(5).resize(10) as U;
      const groups = mux(isValues, valueGroups, f("groups")).as("groups") as U;
      const epilogue = f("epilogue");
      const isEpilogue = (name: (typeof EPILOGUES)[number]): Bool =>
        epilogue.eq(EPILOGUES.indexOf(name)) as Bool;
      const writesCache = ops.mv.and(isEpilogue("key").or(isEpilogue("value"))).as("writes_cache") as Bool;
      const skipped = f("last").bit(0).and(after.lt(host.promptLength)).as("skipped") as Bool;
      const cacheSlot = ringSlot.addMod(tok.extend(slotBits)) as U;

      // one instruction goes to all its queues; each takes it in its own time
      const isJob = anyOf([ops.load, ops.emb, ops.mv, ops.quant, ops.softmax]).as("is_job") as Bool;
      const toMemory = anyOf([ops.load, ops.emb, ops.mv]).as("to_memory") as Bool;
      const pending = {
        fetch: reg("offer_fetch", bool, { reset: 0 }),
        stream: reg("offer_stream", bool, { reset: 0 }),
        result: reg("offer_result", bool, { reset: 0 }),
        quant: reg("offer_quant", bool, { reset: 0 }),
        softmax: reg("offer_softmax", bool, { reset: 0 }),
      };
      const fetch = source(
        fetchJob(c),
        {
          kind: mux(
            ops.emb,
            FETCH_KINDS.emb,
            mux(isKeys, FETCH_KINDS.keys, mux(isValues, lit(uint(2), FETCH_KINDS.values), FETCH_KINDS.plain)),
          ),
          addr: memoryAddress,
          beats: f("beats"),
          rowBlocks: f("rowBlocks"),
          groups: f("groups"),
          live,
          position: tokPosition,
          writesCache,
          afterCache: f("fetchAfterCache").bit(0),
        } as never,
        pending.fetch,
      );
      const streamOut = source(
        streamJob(c),
        {
          kind: mux(
            ops.load,
            STREAM_KINDS.load,
            mux(ops.emb, lit(uint(2), STREAM_KINDS.emb), STREAM_KINDS.mv),
          ),
          format,
          ram: f("ram"),
          beats: f("beats"),
          rowBlocks,
          groups,
          toks: jobToks,
          act,
          actStride: f("actStride").resize(log2(c.actWords)),
          position: tokPosition,
          wait: f("wait"),
        } as never,
        pending.stream,
      );
      const result = source(
        resultJob(c),
        {
          epilogue,
          scaling: f("scaling"),
          scaleM: f("scaleM"),
          scaleE: f("scaleE").asSigned(),
          scaleSlot,
          rows: mux(isKeys, live.extend(16), f("rows")),
          rowBlocks,
          wide: ops.mv.and(anyOf(FORMATS.filter(isWide).map((f) => isFormat(f)))),
          groups,
          toks: jobToks,
          tok,
          position: tokPosition,
          cacheSlot,
          live,
          dst,
          dstStride: f("dstStride"),
          slot,
          slotInit: f("slotInit").bit(0),
          cacheAddr: cache,
          cacheHeadStride: f("cacheHeadStride"),
          headGroups: f("headGroups"),
          signal: f("signal"),
        } as never,
        pending.result,
      );
      const quant = source(
        quantJob(c),
        { src: dst, elements: f("elements"), act, slot, tok, wait: f("wait"), signal: f("signal") } as never,
        pending.quant,
      );
      const softmax = source(
        softmaxJob(c),
        { live, wait: f("wait"), signal: f("signal") } as never,
        pending.softmax,
      );
      const outs = { fetch, stream: streamOut, result, quant, softmax };
      for (const k of Object.keys(pending) as (keyof typeof pending)[])
        when(outs[k].fire as Bool, () => pending[k].set(0));
      const allTaken = anyOf(
        (Object.keys(pending) as (keyof typeof pending)[]).map(
          (k) => pending[k].and(outs[k].ready.not()) as Bool,
        ),
      )
        .not()
        .as("all_taken") as Bool;

      const done = reg("done_q", bool, { reset: 0 });
      const proceed = (to: U | Sig<"u", number>): void => {
        pc.set(to);
        word.set(0);
        state.go("fetch");
      };
      const target = f("target").resize(pcBits) as U;
      const following = pc.addMod(1) as U;
      const top = depth.subMod(1).as("loop_top") as U;
      const topLevel = select(
        top.resize(2),
        levels.map((l) => ({ left: l.left as U, body: l.body as U })),
      ) as { left: U; body: U };

      match(state, {
        idle: () =>
          when(start, () => {
            done.set(0);
            position.set(0);
            ringSlot.set(0);
            toks.set(toksAt(lit(uint(16), 0) as U));
            depth.set(0);
            for (const b of bases) b.set(0);
            proceed(lit(uint(pcBits), 0));
          }),
        fetch: () => {
          word.set(word.addMod(1));
          for (const [i, p] of parts.entries()) when(word.eq(i + 1), () => p.set(read));
          when(word.eq(WORDS), () => state.go("execute"));
        },
        execute: () => {
          proceed(following);
          when(ops.halt, () => state.go("halt"));
          when(ops.loop, () => {
            const count = mux(f("countFrom").bit(0), toks.extend(16), f("count")) as U;
            when(
              count.eq(0),
              () => proceed(target),
              () => {
                depth.set(depth.addMod(1));
                for (const [i, l] of levels.entries())
                  when(depth.eq(i), () => {
                    l.left.set(count);
                    l.body.set(following);
                    l.ofToks.set(f("countFrom").bit(0));
                    l.index.set(0);
                  });
              },
            );
          });
          when(ops.end, () => {
            for (const [i, b] of bases.entries()) b.set(b.addMod(increments[i]!));
            for (const [i, l] of levels.entries())
              when(top.eq(i), () => {
                l.left.set(l.left.subMod(1));
                l.index.set(l.index.addMod(1));
              });
            when(
              topLevel.left.eq(1),
              () => depth.set(top),
              () => proceed(topLevel.body),
            );
          });
          when(ops.base, () => {
            const mask = f("baseMask");
            for (const [i, b] of bases.entries()) when(mask.bit(i + 1), () => b.set(increments[i]!));
          });
          when(ops.next, () => {
            position.set(after);
            const nextSlot = ringSlot.extend(slotBits + 1).addMod(toks.extend(slotBits + 1)) as U;
            ringSlot.set(mux(nextSlot.eq(slots), host.sinks, nextSlot).resize(slotBits));
            toks.set(toksAt(after));
            when(after.lt(host.total), () => proceed(target));
          });
          when(isJob.and(skipped.not()), () => {
            pending.fetch.set(toMemory);
            pending.stream.set(toMemory);
            pending.result.set(ops.emb.or(ops.mv));
            pending.quant.set(ops.quant);
            pending.softmax.set(ops.softmax);
            state.go("offer");
          });
        },
        offer: () => when(allTaken, () => state.go("fetch")), // pc went on in execute
        halt: () =>
          when(idle, () => {
            done.set(1);
            state.go("idle");
          }),
      });
      return { ...outs, busy: state.is("idle").not(), done } as never;
    },
  );
};
