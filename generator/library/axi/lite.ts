/** AXI4-Lite slave: one write and one read at a time, handed on as words. */
import { bool, defineModule, fail, lit, reg, source, stream, uint, when } from "../../hdl/index.js";

const DATA_BITS = 32;

export const liteMasterPorts = (addressBits: number) => ({
  awaddr: uint<number>(addressBits),
  awvalid: bool,
  wdata: uint(DATA_BITS),
  wstrb: uint(DATA_BITS / 8),
  wvalid: bool,
  bready: bool,
  araddr: uint<number>(addressBits),
  arvalid: bool,
  rready: bool,
});
export const liteSlavePorts = {
  awready: bool,
  wready: bool,
  bresp: uint(2),
  bvalid: bool,
  arready: bool,
  rdata: uint(DATA_BITS),
  rresp: uint(2),
  rvalid: bool,
};
/** `word` is the address without its two lowest bits. */
export const liteWrite = (addressBits: number) => ({
  word: uint<number>(addressBits - 2),
  data: uint(DATA_BITS),
  strobe: uint(DATA_BITS / 8),
});
export const liteRead = (addressBits: number) => ({ word: uint<number>(addressBits - 2) });

/**
 * Module `axi_lite_<bits>`: each write goes out as one word and is acknowledged when that was taken; each read asks once and gives
 * the host the answer. Every address is answered with OKAY.
 */
export const lite = (addressBits: number) => {
  if (addressBits < 3 || addressBits > 32)
    fail(`an AXI4-Lite slave has 3 to 32 address bits; this one ${addressBits}`);
  return defineModule(
    `axi_lite_${addressBits}`,
    {
      in: { axi: liteMasterPorts(addressBits), answer: stream(uint(DATA_BITS)) },
      out: {
        axi: liteSlavePorts,
        write: stream(liteWrite(addressBits)),
        read: stream(liteRead(addressBits)),
      },
      doc: `AXI4-Lite slave of ${addressBits} address bits.`,
    },
    ({ axi, answer }) => {
      // Address and data of a write come in any order, and are acknowledged together.
      const addressHeld = reg("address_held", bool, { reset: 0 });
      const dataHeld = reg("data_held", bool, { reset: 0 });
      const responds = reg("responds", bool, { reset: 0 });
      const shape = liteWrite(addressBits);
      const held = {
        word: reg("write_word", shape.word),
        data: reg("write_data", shape.data),
        strobe: reg("write_strobe", shape.strobe),
      };
      const write = source(shape, { ...held }, addressHeld.and(dataHeld).and(responds.not()), "write");
      when(axi.awvalid.and(addressHeld.not()), () => {
        addressHeld.set(1);
        held.word.set(axi.awaddr.shr(2));
      });
      when(axi.wvalid.and(dataHeld.not()), () => {
        dataHeld.set(1);
        held.data.set(axi.wdata);
        held.strobe.set(axi.wstrb);
      });
      when(responds.and(axi.bready), () => responds.set(0));
      when(write.fire, () => {
        addressHeld.set(0);
        dataHeld.set(0);
        responds.set(1);
      });

      const asking = reg("asking", bool, { reset: 0 });
      const waiting = reg("waiting", bool, { reset: 0 });
      const word = reg("read_word", shape.word);
      const read = source(liteRead(addressBits), { word }, asking, "read");
      const free = asking.or(waiting).not().as("read_free");
      when(axi.arvalid.and(free), () => {
        asking.set(1);
        word.set(axi.araddr.shr(2));
      });
      when(read.fire, () => {
        asking.set(0);
        waiting.set(1);
      });
      const offered = reg("read_offered", bool, { reset: 0 });
      const data = reg("read_data", uint(DATA_BITS));
      when(answer.consume(waiting.and(offered.not())), () => {
        offered.set(1);
        data.set(answer.payload);
      });
      when(offered.and(axi.rready), () => {
        offered.set(0);
        waiting.set(0);
      });
      const okay = lit(uint(2), 0);
      return {
        axi: {
          awready: addressHeld.not(),
          wready: dataHeld.not(),
          bresp: okay,
          bvalid: responds,
          arready: free,
          rdata: data,
          rresp: okay,
          rvalid: offered,
        },
        write,
        read,
      };
    },
  );
};
