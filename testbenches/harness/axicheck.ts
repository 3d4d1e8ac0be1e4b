/**
 * The rules of an AXI4 port (ARM IHI 0022, A3) as hardware, so that they are watched in every simulator and by a prover: what
 * `aximonitor.ts` says of the embedded engine's runs. A rule once broken stays so; `left` counts what is still under way.
 */
import {
  anyOf,
  bool,
  cat,
  defineModule,
  reg,
  replicate,
  type Sig,
  source,
  uint,
  when,
} from "../../generator/hdl/index.js";
import {
  type AxiPort,
  PAGE_BYTES,
  portName,
  readMasterPorts,
  readSlavePorts,
  sizeOf,
  writeMasterPorts,
  writeSlavePorts,
} from "../../generator/library/axi/ports.js";
import { countedQueue } from "../../generator/library/fifo.js";

type Bool = Sig<"u", 1>;
type Word = Sig<"u", number>;

/** Bits of `broken`, in order. */
export const AXI_RULES = [
  "an offer is withdrawn or changes",
  "not INCR of whole aligned words",
  "longer than the limit",
  "crosses 4 KB",
  "too many bursts under way",
  "LAST is not on the last word",
  "an answer to nothing",
] as const;
export const COUNTS = { bursts: uint(32), words: uint(32), stalls: uint(32) };

/** Offers stand until they are taken. */
const changes = (name: string, payload: Word, valid: Bool, ready: Bool): Bool => {
  const waits = reg(`${name}_waits`, bool, { reset: 0 });
  const held = reg(`${name}_held`, uint(payload.width));
  waits.set(valid.and(ready.not()));
  held.set(payload);
  return waits.and(valid.not().or(payload.ne(held))).as(`${name}_changes`);
};

interface Address {
  readonly addr: Word;
  readonly len: Word;
  readonly size: Word;
  readonly burst: Word;
}
const burstRules = (
  { dataBits, burst: limit }: AxiPort,
  valid: Bool,
  { addr, len, size, burst }: Address,
) => {
  const shift = sizeOf(dataBits);
  const end = addr.slice(11, 0).add(len.add(1).shl(shift));
  return {
    form: valid.and(
      burst
        .ne(1)
        .or(size.ne(shift))
        .or(addr.slice(shift - 1, 0).orR()),
    ),
    limit: valid.and(len.ge(limit)),
    page: valid.and(end.gt(PAGE_BYTES)),
  };
};

/** A rule that was broken in any cycle. */
const sticky = (broken: readonly Bool[]): Word => {
  const kept = reg("broken_q", uint(AXI_RULES.length), { reset: 0 });
  const now = cat(...[...broken].reverse()).as("broken_now");
  kept.set(kept.or(now));
  return kept.or(now);
};
const counter = (name: string, event: Bool): Word => {
  const count = reg(name, uint(32), { reset: 0 });
  when(event, () => count.set(count.addMod(1)));
  return count;
};
/** Events of one kind less those of another. */
const balance = (name: string, more: Bool, less: Bool): Word => {
  const count = reg(name, uint(16), { reset: 0 });
  when(more.and(less.not()), () => count.set(count.addMod(1)));
  when(less.and(more.not()), () => count.set(count.subMod(1)));
  return count;
};

/** Bursts whose length is remembered: more than may be under way, so that one too many is seen. */
const remembered = ({ outstanding }: AxiPort): number => 2 * outstanding;

/** Module `axi_read_check_<port>`. */
export const axiReadCheck = (port: AxiPort) => {
  const depth = remembered(port);
  return defineModule(
    `axi_read_check_${portName(port)}`,
    {
      in: { m: readMasterPorts, s: readSlavePorts(port.dataBits) },
      out: { broken: uint(AXI_RULES.length), left: uint(16), counts: COUNTS },
      doc: "Test bench: the rules of an AXI4 read port.",
    },
    ({ m, s }) => {
      const address = { addr: m.araddr, len: m.arlen, size: m.arsize, burst: m.arburst };
      const rules = burstRules(port, m.arvalid, address);
      const asked = m.arvalid.and(s.arready).as("asked");
      const came = s.rvalid.and(m.rready).as("came");
      const ended = came.and(s.rlast).as("ended");
      const lengths = countedQueue("u_lengths", uint(8), source(uint(8), m.arlen, asked, "length"), depth);
      lengths.out.consume(ended);
      const index = reg("index", uint(8), { reset: 0 });
      when(came, () => index.set(index.addMod(1)));
      when(ended, () => index.set(0));
      const left = balance("left_q", asked, ended);
      const payload = cat(m.araddr, m.arlen, m.arsize, m.arburst, m.arcache, m.arprot);
      const answer = cat(s.rdata, s.rresp, s.rlast);
      return {
        broken: sticky([
          anyOf([changes("ar", payload, m.arvalid, s.arready), changes("r", answer, s.rvalid, m.rready)]),
          rules.form,
          rules.limit,
          rules.page,
          left.gt(port.outstanding),
          came.and(s.rlast.ne(index.eq(lengths.out.payload))),
          s.rvalid.and(lengths.out.valid.not()),
        ]),
        left,
        counts: {
          bursts: counter("bursts", asked),
          words: counter("words", came),
          stalls: counter("stalls", m.arvalid.and(s.arready.not())),
        },
      };
    },
  );
};

/** Module `axi_write_check_<port>`. Words may come before their address: the lengths are compared when both are there. */
export const axiWriteCheck = (port: AxiPort) => {
  const depth = remembered(port);
  return defineModule(
    `axi_write_check_${portName(port)}`,
    {
      in: { m: writeMasterPorts(port.dataBits), s: writeSlavePorts },
      out: {
        broken: uint(AXI_RULES.length),
        left: uint(16),
        due: uint(16), // whole bursts without a response
        counts: COUNTS,
      },
      doc: "Test bench: the rules of an AXI4 write port.",
    },
    ({ m, s }) => {
      const address = { addr: m.awaddr, len: m.awlen, size: m.awsize, burst: m.awburst };
      const rules = burstRules(port, m.awvalid, address);
      const asked = m.awvalid.and(s.awready).as("asked");
      const moved = m.wvalid.and(s.wready).as("moved");
      const ended = moved.and(m.wlast).as("ended");
      const answered = s.bvalid.and(m.bready).as("answered");
      const index = reg("index", uint(8), { reset: 0 });
      when(moved, () => index.set(index.addMod(1)));
      when(ended, () => index.set(0));
      const wanted = countedQueue("u_wanted", uint(8), source(uint(8), m.awlen, asked, "wanted"), depth);
      const written = countedQueue("u_written", uint(8), source(uint(8), index, ended, "written"), depth);
      const both = wanted.out.valid.and(written.out.valid).as("both");
      wanted.out.consume(both);
      written.out.consume(both);
      // Bursts whose address and words have all come, without a response yet.
      const due = balance("due", both, answered);
      const left = balance("left_q", asked, answered);
      // Bytes without strobe mean nothing, and may be unknown.
      const lanes = cat(
        ...Array.from({ length: m.wstrb.width }, (_, i) => replicate(m.wstrb.bit(i), 8)).reverse(),
      );
      const payload = cat(m.awaddr, m.awlen, m.awsize, m.awburst, m.awcache, m.awprot);
      return {
        broken: sticky([
          anyOf([
            changes("aw", payload, m.awvalid, s.awready),
            changes("w", cat(m.wdata.and(lanes), m.wstrb, m.wlast), m.wvalid, s.wready),
            changes("b", s.bresp, s.bvalid, m.bready),
          ]),
          rules.form,
          rules.limit,
          rules.page,
          left.gt(port.outstanding),
          both.and(wanted.out.payload.ne(written.out.payload)),
          s.bvalid.and(due.eq(0)).and(both.not()),
        ]),
        left,
        due,
        counts: {
          bursts: counter("bursts", asked),
          words: counter("words", moved),
          stalls: counter("stalls", m.awvalid.and(s.awready.not()).or(m.wvalid.and(s.wready.not()))),
        },
      };
    },
  );
};
