/** A wide memory port behind AXI masters: both sides, and between them the way from one clock to the other. */
import { bool, defineModule, reg, stream, uint, vec } from "../../hdl/index.js";
import { across, grayAcross, levelAcross } from "./across.js";
import { type AxiMasters, axiSide } from "./axiside.js";
import { beatRequest, coreSide } from "./coreside.js";
import { late } from "./late.js";
import {
  ADDRESS_BITS,
  faults,
  readMasterPorts,
  readSlavePorts,
  writeMasterPorts,
  writeSlavePorts,
} from "./ports.js";
import { beatWrite, wordWrite } from "./slicer.js";
import { deliveredBits, splitName } from "./split.js";
import { TIMEOUT_BITS } from "./watchdog.js";

export interface BridgeConfig extends AxiMasters {
  /** Clocks: one for all, or the default domain for AXI and the domain `core` for the memory port. */
  readonly clocks: 1 | 2;
}
/** Depths of the FIFOs between the sides. */
const DEPTH = { request: 4, word: 16, slice: 8 } as const;

/**
 * Module `axi_bridge_<split>`: requests {addr, beats} answered in order, writes {addr, data, nibble mask} that every request
 * taken later sees. `abort`: no further read begins, and the memory port plays
 * dead (`coreside.ts`) until `drained` says that nothing is left anywhere; then `abort` may go.
 */
export const bridge = (b: BridgeConfig) => {
  const { channels, dataBits } = b;
  const core = b.clocks === 2 ? "core" : "";
  const toAxi = { from: core, to: "" };
  const toCore = { from: "", to: core };
  return defineModule(
    `axi_bridge_${splitName(b)}`,
    {
      in: {
        request: stream(beatRequest(b)), // core
        write: stream(beatWrite(b)), // core
        image: vec(uint(ADDRESS_BITS), channels),
        cache: vec(uint(ADDRESS_BITS), channels),
        abort: bool,
        timeout: uint(TIMEOUT_BITS),
        gmem: vec(readSlavePorts(dataBits), channels),
        cacheAxi: { ...readSlavePorts(dataBits), ...writeSlavePorts },
      },
      out: {
        beat: stream(uint(b.beatBits)), // core
        written: bool, // core: no write is under way
        aborts: bool, // core: abort has arrived here
        gmem: vec(readMasterPorts, channels),
        cacheAxi: { ...readMasterPorts, ...writeMasterPorts(dataBits) },
        faults: vec(faults, channels + 1),
        drained: bool,
      },
      ...(b.clocks === 2 ? { clocks: ["core"] } : {}),
      doc: `Memory port of ${b.beatBits} bits behind ${channels} AXI read master(s) and one writing port of ${dataBits} bits.`,
    },
    ({ request, write, image, cache, abort, timeout, gmem, cacheAxi }) => {
      // The core's outputs are needed before it stands there: the sides are a loop.
      const read = late("read", beatRequest(b));
      const word = late("word", wordWrite(b));
      const side = axiSide(b).inst("u_axi", {
        request: across("u_requests", beatRequest(b), read.stream, DEPTH.request, toAxi),
        word: across("u_writes", wordWrite(b), word.stream, DEPTH.word, toAxi),
        image,
        cache,
        stop: abort,
        timeout,
        gmem,
        cacheAxi,
      });
      const dry = reg("dry", bool, { reset: 0 });
      dry.set(side.idle.and(abort));
      const slice = uint(deliveredBits(b));
      const aborts = levelAcross(abort, toCore);
      const inner = coreSide(b).inst(
        "u_core",
        {
          request,
          write,
          words: side.slices.map((s, c) => across(`u_slices_${c}`, slice, s, DEPTH.slice, toCore)),
          writesDone: grayAcross(side.writesDone, toCore),
          abort: aborts,
          dry: levelAcross(dry, toCore),
        },
        { clocks: { "": core } },
      );
      read.connect(inner.read);
      word.connect(inner.word);
      return {
        beat: inner.beat,
        written: inner.written,
        aborts,
        gmem: side.gmem,
        cacheAxi: side.cacheAxi,
        faults: side.faults,
        drained: levelAcross(inner.quiet, toAxi).and(side.idle),
      };
    },
  );
};
