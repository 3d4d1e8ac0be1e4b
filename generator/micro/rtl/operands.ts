/** ACT, GS and the tables: the small memories beside the stream. Field semantics: README.md of the room, `aw`, `gw`, `gr`, `tb`. */
import { cat, defineModule, Mem, mux, reg, select, uint, vec, when } from "../../hdl/index.js";
import { ACT_BYTES, GS_WORDS, LANES, TABLE_WORDS } from "../machine.js";
import { type Bits, field, has, numberOf } from "./fields.js";

const ACT_BITS = Math.log2(ACT_BYTES);
const GS_BITS = Math.log2(GS_WORDS);
const LANE_BITS = Math.log2(LANES);
const TABLE_BITS = Math.log2(TABLE_WORDS);

export const activations = defineModule(
  "activations",
  {
    in: { aw: field("aw"), lane: field("lane"), misc: field("misc"), imm: uint(ACT_BITS), r: uint(8) },
    out: { ad: uint(8) },
    doc: "ACT: 512 signed bytes, read in order by the lanes.",
  },
  ({ aw, lane, misc, imm, r }) => {
    const reads = reg("ar", uint<number>(ACT_BITS));
    const writes = reg("aw_q", uint<number>(ACT_BITS));
    const bytes = new Mem("bytes", uint(8), ACT_BYTES, { readDuringWrite: "undefined", style: "block" });
    const write = has("aw", aw, "write");
    bytes.write(write, writes, r);
    // The memory reads where AR will be, so that a mac may follow a mac.
    const on = has("lane", lane, "w2", "w4");
    const next = mux(has("misc", misc, "ar=imm"), imm, reads.addMod(on)).as("ar_next");
    reads.set(next);
    when(write, () => writes.set(writes.addMod(1)));
    when(has("misc", misc, "aw=imm"), () => writes.set(imm));
    return { ad: bytes.read(next) };
  },
);

export const groupSums = defineModule(
  "group_sums",
  {
    in: { gw: field("gw"), gr: field("gr"), misc: field("misc"), lanes: vec(uint(16), LANES) },
    out: { gd: uint(16) },
    doc: "GS: the sums of a row block's groups, written group by group and read row by row.",
  },
  ({ gw, gr, misc, lanes }) => {
    const writes = reg("gw_q", uint<number>(GS_BITS));
    const group = reg("group_q", uint<number>(GS_BITS - LANE_BITS));
    const lane = reg("lane_q", uint<number>(LANE_BITS));
    const words = new Mem("words", uint(16), GS_WORDS, { readDuringWrite: "undefined", style: "block" });
    const write = has("gw", gw, "dump");
    words.write(write, writes, select(writes.slice(LANE_BITS - 1, 0), lanes));
    when(write, () => writes.set(writes.addMod(1)));
    when(has("gr", gr, "group"), () => group.set(group.addMod(1)));
    when(has("gr", gr, "row"), () => {
      group.set(0);
      lane.set(lane.addMod(1));
    });
    when(has("misc", misc, "gs=0"), () => {
      writes.set(0);
      group.set(0);
      lane.set(0);
    });
    return { gd: words.read(cat(group, lane), has("gr", gr, "none").not()) };
  },
);

export const tables = (contents: readonly bigint[]) =>
  defineModule(
    "tables",
    {
      in: { tb: field("tb"), imm: uint<number>(TABLE_BITS), r: uint(16), octet: uint(8) },
      out: { td: uint(16) },
      doc: "Table ROM: 1024 words of 16 bits.",
    },
    ({ tb, imm, r, octet }) => {
      const rom = new Mem("table", uint(16), TABLE_WORDS, {
        readDuringWrite: "old",
        style: "block",
        contents,
      });
      const index: Bits = select(
        tb,
        [
          [numberOf("tb", "plain"), r.slice(9, 0) as Bits],
          [numberOf("tb", "exp"), r.slice(9, 4).extend(10)],
          [numberOf("tb", "byte8"), r.slice(15, 8).extend(10)],
        ],
        octet.slice(3, 0).extend(10),
      );
      return { td: rom.read(imm.addMod(index), has("tb", tb, "none").not()) };
    },
  );
