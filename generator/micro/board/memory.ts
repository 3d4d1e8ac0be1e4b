/** The stream memory: four SPRAMs side by side, 16 bits of every word each; the loader writes until the machine runs. */
import { blackbox, bool, cat, defineModule, Mem, mux, replicate, uint } from "../../hdl/index.js";
import { SPRAM_WORDS } from "../machine.js";
import { memoryRequest, WORD_ADDRESS_BITS } from "../rtl/stream.js";
import { NIBBLE_ADDRESS_BITS, nibbleWrite } from "./loader.js";

const NIBBLES = 4;
const WIDTH = 4 * NIBBLES;

const inputs = {
  ADDRESS: uint<number>(WORD_ADDRESS_BITS),
  DATAIN: uint<number>(WIDTH),
  MASKWREN: uint<number>(NIBBLES),
  WREN: bool,
  CHIPSELECT: bool,
  STANDBY: bool,
  SLEEP: bool,
  POWEROFF: bool,
};
const outputs = { DATAOUT: uint<number>(WIDTH) };

/** SB_SPRAM256KA of iCE40 UltraPlus (Lattice FPGA-TN-02022), awake: a read stays at its output until the next; POWEROFF is active low. */
const spram = blackbox({
  name: "SB_SPRAM256KA",
  in: inputs,
  out: outputs,
  clock: "CLOCK",
  model: defineModule(
    "SB_SPRAM256KA_model",
    { in: inputs, out: outputs, doc: "SB_SPRAM256KA that is never put to sleep: for simulation." },
    (pins) => {
      const words = new Mem("words", uint<number>(WIDTH), SPRAM_WORDS, {
        readDuringWrite: "undefined",
        style: "block",
      });
      words.write(pins.CHIPSELECT.and(pins.WREN), pins.ADDRESS, pins.DATAIN, {
        mask: pins.MASKWREN,
        granule: NIBBLES,
      });
      return { DATAOUT: words.read(pins.ADDRESS, pins.CHIPSELECT.and(pins.WREN.not())) };
    },
  ),
});

export const streamMemory = defineModule(
  "stream_memory",
  {
    in: { loading: bool, load: nibbleWrite, request: memoryRequest },
    out: { sd: uint(64) },
    doc: `Stream memory: ${SPRAM_WORDS} words of 64 bits in four SPRAMs, written by nibbles.`,
  },
  ({ loading, load, request }) => {
    const address = mux(loading, load.nibble.slice(NIBBLE_ADDRESS_BITS - 1, 4), request.address);
    const write = mux(loading, load.enable, request.write).as("write");
    const select = write.or(request.read).as("select");
    const words = [0, 1, 2, 3].map((n) => {
      const mask = [0, 1, 2, 3].map((k) =>
        mux(loading, load.nibble.slice(3, 0).eq(4 * n + k), request.mask.bit(4 * n + k)),
      );
      return spram.inst(`u_spram_${n}`, {
        ADDRESS: address,
        DATAIN: mux(loading, replicate(load.data, NIBBLES), request.data.slice(16 * n + 15, 16 * n)),
        MASKWREN: cat(...mask.reverse()),
        WREN: write,
        CHIPSELECT: select,
        STANDBY: 0,
        SLEEP: 0,
        POWEROFF: 1,
      }).DATAOUT;
    });
    return { sd: cat(...words.reverse()) };
  },
);
