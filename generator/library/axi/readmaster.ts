/**
 * AXI4 read master. Bursts are asked for only when the FIFO has room for all of their words, so `rready` is always high and
 * a slow consumer never blocks the interconnect.
 */
import {
  assertAlways,
  assume,
  bool,
  defineModule,
  reg,
  source,
  stream,
  uint,
  when,
  wire,
} from "../../hdl/index.js";
import { countedQueue } from "../fifo.js";
import { ramQueue } from "../ramfifo.js";
import {
  attributes,
  type AxiPort,
  checkPort,
  faults,
  portName,
  RESPONSE,
  readMasterPorts,
  readSlavePorts,
  transfer,
} from "./ports.js";
import { burst, splitter } from "./splitter.js";
import { TIMEOUT_BITS, watchdog } from "./watchdog.js";

export const readWord = (dataBits: number) => ({ data: uint<number>(dataBits), last: bool });

/**
 * Module `axi_read_<bits>b<burst>x<outstanding>`: the words of each transfer, in order, `last` on its last one. While `stop`
 * is high transfers are dropped and no burst begins; what was asked for still comes. `idle`: nothing is under way or waiting.
 */
const describe = (port: AxiPort) => {
  checkPort(port);
  const { dataBits, burst: limit, outstanding } = port;
  const depth = Math.max(2, limit * outstanding);
  const roomBits = Math.round(Math.log2(depth)) + 1;
  return defineModule(
    `axi_read_${portName(port)}`,
    {
      in: {
        transfer: stream(transfer),
        stop: bool,
        timeout: uint(TIMEOUT_BITS),
        axi: readSlavePorts(dataBits),
      },
      out: { data: stream(readWord(dataBits)), axi: readMasterPorts, fault: faults, idle: bool },
      doc: `AXI4 read master: ${dataBits} bits, bursts of up to ${limit} words, ${outstanding} outstanding.`,
    },
    ({ transfer: input, stop, timeout, axi }) => {
      const split = splitter(dataBits, limit).inst("u_splitter", { transfer: input, stop });
      const cut = split.burst.payload;
      const words = cut.len.extend(9).addMod(1).resize(roomBits).as("words");

      // Words asked for that have not left the FIFO.
      const reserved = reg("reserved", uint(roomBits), { reset: 0 });
      const fits = reserved.add(words).le(depth).as("fits");
      const known = wire("known", bool);
      const ask = source(burst, cut, split.burst.valid.and(fits).and(known), "ask");
      const asks = split.burst.consume(ask.ready.and(fits).and(known)).as("asks");
      const address = ask.stage("ar");

      // What R is to bring, burst by burst.
      const expected = countedQueue("u_bursts", bool, source(bool, cut.last, asks, "expect"), outstanding);
      known.drive(expected.count.lt(outstanding));
      const arrives = axi.rvalid.as("arrives");
      expected.out.consume(arrives.and(axi.rlast));
      const word = { data: axi.rdata, last: axi.rlast.and(expected.out.payload) };
      const pushed = source(readWord(dataBits), word, arrives, "word");
      const data = ramQueue("u_words", readWord(dataBits), pushed, depth);
      assume("axi_read_expected", arrives.not().or(expected.out.valid), "a slave answers what it was asked");
      assertAlways(
        "axi_read_room",
        arrives.not().or(pushed.ready),
        "the FIFO has room for what was asked for",
      );
      const out = source(readWord(dataBits), data.payload, data.valid, "out");
      const left = data.consume(out.ready).as("left");
      when(asks, () => reserved.set(reserved.addMod(words)));
      when(left, () => reserved.set(reserved.subMod(1)));
      when(asks.and(left), () => reserved.set(reserved.addMod(words).subMod(1)));

      const asked = address.consume(axi.arready).as("asked");
      const dog = watchdog.inst("u_watchdog", {
        waiting: expected.out.valid,
        progress: arrives.or(asked),
        limit: timeout,
      });
      const { size, burst: incr, cache, prot } = attributes(dataBits);
      return {
        data: out,
        axi: {
          araddr: address.payload.addr,
          arlen: address.payload.len,
          arsize: size,
          arburst: incr,
          arcache: cache,
          arprot: prot,
          arvalid: address.valid,
          rready: 1,
        },
        fault: {
          slverr: arrives.and(axi.rresp.eq(RESPONSE.slverr)),
          decerr: arrives.and(axi.rresp.eq(RESPONSE.decerr)),
          timeout: dog.timeout,
        },
        idle: split.idle.and(reserved.eq(0)).and(input.valid.not()),
      };
    },
  );
};

const described = new Map<string, ReturnType<typeof describe>>();
export const readMaster = (port: AxiPort): ReturnType<typeof describe> => {
  const key = portName(port);
  const def = described.get(key) ?? describe(port);
  described.set(key, def);
  return def;
};
