/** Turns the jobs of the stream side into memory requests, ahead of execution by the depth of the queues. */
import {
  anyOf,
  assertAlways,
  bool,
  cover,
  defineModule,
  enumReg,
  lit,
  match,
  mux,
  reg,
  regs,
  type Sig,
  select,
  source,
  stream,
  uint,
  when,
} from "../hdl/index.js";
import { checkRows, GROUP, pairs } from "../engines/port.js";
import { queue } from "../library/fifo.js";
import { type AcceleratorConfig, beatCountBits, countBits, log2, rowBits } from "../isa/config.js";
import { ADDRESS_BITS, fetchJob } from "./jobs.js";
import { bitIf } from "./signals.js";

export const FETCH_KINDS = { plain: 0, keys: 1, values: 2, emb: 3 } as const;
/** Key/value matrices under way at most: those in all queues together. */
const PENDING_BITS = 6;

export const memoryRequest = (c: AcceleratorConfig) => ({
  addr: uint(ADDRESS_BITS),
  beats: uint(beatCountBits(c)),
});
/** Bits of valueStride, the blocks of 32 slots. */
export const blocksBits = (c: AcceleratorConfig): number => countBits(c.context / GROUP);

/**
 * One request {address, beats} a job, of V^T one for each row block; two cycles later where a product is needed (keys: row
 * blocks times groups; EMB: unit times beats). EMB waits until its token is known, `afterCache` until every announced cache
 * write has reached memory. Row blocks of keys and values follow the live slots of contract section 5.
 */
export const fetch = (c: AcceleratorConfig) => {
  checkRows(c);
  const half = log2(pairs(c));
  const blockBits = blocksBits(c);
  return defineModule(
    "fetch",
    {
      in: {
        job: stream(fetchJob(c)),
        tokensKnown: uint(16),
        tokenData: uint(rowBits(c)), // token RAM at tokenAddr, same cycle
        cacheWritten: bool, // a job with writesCache has reached memory
        blocks: uint(blockBits), // valueStride
      },
      out: { request: stream(memoryRequest(c)), tokenAddr: uint(16) },
      doc: "Memory requests of LOAD, EMB and MV.",
    },
    ({ job, tokensKnown, tokenData, cacheWritten, blocks }) => {
      const jobs = queue("jobs", fetchJob(c), job, 4);
      const head = jobs.payload;
      const state = enumReg("state", ["idle", "multiply", "add", "request"]);

      // a cache write is pending from when its job passes here until the cache writer reports it
      const pending = reg("pending", uint(PENDING_BITS), { reset: 0 });
      const allowed = head.afterCache
        .not()
        .or(pending.eq(0))
        .and(head.kind.ne(FETCH_KINDS.emb).or(tokensKnown.gt(head.position)))
        .as("allowed");
      const take = jobs.consume(state.is("idle").and(allowed)).as("take");
      const passes = take.and(head.writesCache).as("passes");
      when(passes.and(cacheWritten.not()), () => pending.set(pending.addMod(1)));
      when(cacheWritten.and(passes.not()), () => pending.set(pending.subMod(1)));
      assertAlways(
        "fetch_pending",
        pending.ne(0).or(cacheWritten.not()).or(passes),
        "a cache write is reported that no job announced",
      );
      cover("fetch_waits", jobs.valid.and(allowed.not()), "a fetch waits for the cache or a token");

      // keys: nb row blocks of G beats and a scale beat per eight of them; emb: the unit of the token's row
      const rowBlock = tokenData.shr(half);
      const unit = select(
        head.rowBlocks.slice(3, 0),
        [
          [2, rowBlock.shr(1)],
          [4, rowBlock.shr(2)],
          [8, rowBlock.shr(3)],
        ],
        rowBlock,
      ).as("unit");
      const keyBlocks = head.live
        .add((1 << half) - 1)
        .shr(half)
        .as("key_blocks");
      const scaleBeats = keyBlocks.add(7).shr(3);
      const keyGroups = head.groups.wrap(countBits(c.headDim / GROUP));
      // 8-bit codes are pairs of beats
      const eight = anyOf([lit(bool, 0), ...head.eight]);
      const pairsOf = (beats: Sig<"u", number>): Sig<"u", number> =>
        mux(eight, beats.shl(1), beats.extend(beats.width + 1));
      const wide = bitIf(c.features.cache8, "wide");
      const isKeys = head.kind.eq(FETCH_KINDS.keys);
      const isValues = head.kind.eq(FETCH_KINDS.values);

      const r = regs({
        addr: uint(ADDRESS_BITS),
        beats: uint(beatCountBits(c)),
        rest: uint(rowBits(c)),
        many: bool,
        keys: bool,
        factorA: uint(rowBits(c)),
        factorB: uint(16),
        product: uint(ADDRESS_BITS),
      });
      const request = source(memoryRequest(c), { addr: r.addr, beats: r.beats }, state.is("request"));
      match(state, {
        idle: () =>
          when(take, () => {
            r.addr.set(head.addr);
            r.beats.set(
              select(
                head.kind,
                [
                  [FETCH_KINDS.keys, scaleBeats.resize(beatCountBits(c))],
                  [
                    FETCH_KINDS.values,
                    pairsOf(head.live.add(GROUP - 1).shr(log2(GROUP))).resize(beatCountBits(c)),
                  ],
                ],
                head.beats,
              ),
            );
            r.rest.set(head.rowBlocks);
            r.many.set(isValues);
            wide.set(eight);
            r.keys.set(isKeys);
            r.factorA.set(mux(isKeys, keyBlocks.resize(rowBits(c)), unit.resize(rowBits(c))));
            r.factorB.set(mux(isKeys, pairsOf(keyGroups).resize(16), head.beats.wrap(16)));
            when(
              isKeys.or(head.kind.eq(FETCH_KINDS.emb)),
              () => state.go("multiply"),
              () => state.go("request"),
            );
          }),
        multiply: () => {
          r.product.set(r.factorA.mul(r.factorB).wrap(ADDRESS_BITS));
          state.go("add");
        },
        add: () => {
          when(
            r.keys,
            () => r.beats.set(r.beats.addMod(r.product.resize(beatCountBits(c)))),
            () => r.addr.set(r.addr.addMod(r.product)),
          );
          state.go("request");
        },
        request: () =>
          when(request.ready, () => {
            r.addr.set(
              r.addr.addMod(mux(wide.is, blocks.shl(1), blocks.extend(blockBits + 1)).resize(ADDRESS_BITS)),
            );
            r.rest.set(r.rest.subMod(1));
            when(r.many.not().or(r.rest.eq(1)), () => state.go("idle"));
          }),
      });
      return { request, tokenAddr: head.position };
    },
  );
};
