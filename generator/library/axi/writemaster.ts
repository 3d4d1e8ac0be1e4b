/**
 * AXI4 write master: transfers of whole words with byte strobes. AW and W go their own ways; responses come in order, and a
 * transfer is done with the response of its last burst.
 */
import { assume, bool, defineModule, reg, source, stream, uint, when, wire } from "../../hdl/index.js";
import { countedQueue } from "../fifo.js";
import {
  attributes,
  type AxiPort,
  bytesOf,
  checkPort,
  faults,
  portName,
  RESPONSE,
  transfer,
  writeMasterPorts,
  writeSlavePorts,
} from "./ports.js";
import { burst, splitter } from "./splitter.js";
import { TIMEOUT_BITS, watchdog } from "./watchdog.js";

export const writeWord = (dataBits: number) => ({
  data: uint<number>(dataBits),
  strobe: uint<number>(bytesOf(dataBits)),
});

/**
 * Module `axi_write_<bits>b<burst>x<outstanding>`: writes the words of `data` where the transfers say. `done` for a cycle a
 * transfer, when its last response has come. `idle`: nothing is under way or waiting.
 */
const describe = (port: AxiPort) => {
  checkPort(port);
  const { dataBits, burst: limit, outstanding } = port;
  return defineModule(
    `axi_write_${portName(port)}`,
    {
      in: {
        transfer: stream(transfer),
        data: stream(writeWord(dataBits)),
        timeout: uint(TIMEOUT_BITS),
        axi: writeSlavePorts,
      },
      out: { axi: writeMasterPorts(dataBits), done: bool, fault: faults, idle: bool },
      doc: `AXI4 write master: ${dataBits} bits, bursts of up to ${limit} words, ${outstanding} outstanding.`,
    },
    ({ transfer: input, data, timeout, axi }) => {
      const split = splitter(dataBits, limit).inst("u_splitter", { transfer: input, stop: 0 });
      const cut = split.burst.payload;

      // A burst goes to AW, to W and to B at once.
      const known = wire("known", bool);
      const lengthsReady = wire("lengths_free", bool);
      const free = known.and(lengthsReady).as("free");
      const ask = source(burst, cut, split.burst.valid.and(free), "ask");
      const asks = split.burst.consume(ask.ready.and(free)).as("asks");
      const address = ask.stage("aw");
      const expected = countedQueue("u_responses", bool, source(bool, cut.last, asks, "expect"), outstanding);
      known.drive(expected.count.lt(outstanding));
      const lengths = countedQueue(
        "u_lengths",
        burst.len,
        source(burst.len, cut.len, asks, "length"),
        outstanding,
      );
      lengthsReady.drive(lengths.count.lt(outstanding));

      // W: the words of one burst after the other, LAST by count.
      const index = reg("index", burst.len, { reset: 0 });
      const last = index.eq(lengths.out.payload).as("last");
      const word = source(
        { ...writeWord(dataBits), last: bool },
        { ...data.payload, last },
        data.valid.and(lengths.out.valid),
        "word",
      );
      const moves = data.consume(word.ready.and(lengths.out.valid)).as("moves");
      lengths.out.consume(moves.and(last));
      when(moves, () => index.set(index.addMod(1)));
      when(moves.and(last), () => index.set(0));
      const w = word.stage("w");
      const written = w.consume(axi.wready).as("written");
      const asked = address.consume(axi.awready).as("asked");

      const answered = axi.bvalid.as("answered");
      expected.out.consume(answered);
      assume("axi_write_expected", answered.not().or(expected.out.valid), "a slave answers what was written");
      const dog = watchdog.inst("u_watchdog", {
        // Without a word to write it is not the slave who is late.
        waiting: address.valid.or(w.valid).or(expected.out.valid.and(lengths.out.valid.not())),
        progress: asked.or(written).or(answered),
        limit: timeout,
      });
      const { size, burst: incr, cache, prot } = attributes(dataBits);
      return {
        axi: {
          awaddr: address.payload.addr,
          awlen: address.payload.len,
          awsize: size,
          awburst: incr,
          awcache: cache,
          awprot: prot,
          awvalid: address.valid,
          wdata: w.payload.data,
          wstrb: w.payload.strobe,
          wlast: w.payload.last,
          wvalid: w.valid,
          bready: 1,
        },
        done: answered.and(expected.out.payload),
        fault: {
          slverr: answered.and(axi.bresp.eq(RESPONSE.slverr)),
          decerr: answered.and(axi.bresp.eq(RESPONSE.decerr)),
          timeout: dog.timeout,
        },
        idle: split.idle.and(expected.out.valid.not()).and(w.valid.not()).and(input.valid.not()),
      };
    },
  );
};

const described = new Map<string, ReturnType<typeof describe>>();
export const writeMaster = (port: AxiPort): ReturnType<typeof describe> => {
  const key = portName(port);
  const def = described.get(key) ?? describe(port);
  described.set(key, def);
  return def;
};
