/** VMEM and the four pointers into it. Field semantics: README.md of the room, `vr`, `vw`. */
import { defineModule, Mem, reg, select, uint, when } from "../../hdl/index.js";
import { VMEM_WORDS } from "../machine.js";
import { type Bits, type Bool, field, has, numberOf, range } from "./fields.js";

const ADDRESS_BITS = Math.log2(VMEM_WORDS);
const POINTERS = 4;
const AT = ["p0", "p1", "p2", "p3"] as const;
const STEP = ["p0+", "p1+", "p2+", "p3+"] as const;

export const vectors = defineModule(
  "vectors",
  {
    in: {
      vr: field("vr"),
      vw: field("vw"),
      misc: field("misc"),
      imm: uint(ADDRESS_BITS),
      value: uint(ADDRESS_BITS),
      r: uint(32),
    },
    out: { vd: uint(32) },
    doc: "VMEM: 1024 words of 32 bits, read and written at a constant or at one of four pointers.",
  },
  ({ vr, vw, misc, imm, value, r }) => {
    const pointers = range(POINTERS).map((k) => reg(`p${k}`, uint<number>(ADDRESS_BITS)));
    /** The address of a port, and which pointer it steps. */
    const port = (f: "vr" | "vw", code: Bits): { address: Bits; after: Bits; steps: readonly Bool[] } => {
      const cases = pointers.flatMap((p, k): (readonly [number, Bits])[] => [
        [numberOf(f, AT[k]!), p],
        [numberOf(f, STEP[k]!), p],
      ]);
      const address = select(code, cases, imm as Bits).as(`${f}_address`);
      return { address, after: address.addMod(1), steps: STEP.map((s) => has(f, code, s)) };
    };
    const reading = port("vr", vr);
    const writing = port("vw", vw);
    for (const [k, p] of pointers.entries()) {
      const loads = has(
        "misc",
        misc,
        (["p0=imm", "p1=imm", "p2=imm", "p3=imm"] as const)[k]!,
        (["p0=r", "p1=r", "p2=r", "p3=r"] as const)[k]!,
      );
      when(reading.steps[k]!, () => p.set(reading.after));
      when(writing.steps[k]!, () => p.set(writing.after));
      when(loads, () => p.set(value));
    }
    const words = new Mem("words", uint(32), VMEM_WORDS, { readDuringWrite: "undefined", style: "block" });
    words.write(has("vw", vw, "none").not(), writing.address, r);
    return { vd: words.read(reading.address, has("vr", vr, "none").not()) };
  },
);
