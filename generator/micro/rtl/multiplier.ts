/** MX, MY and their product: two SB_MAC16, which hold the registers too. Field semantics: README.md of the room, `mx`, `my`. */
import { bool, cat, defineModule, lit, reg, select, sint, uint, when } from "../../hdl/index.js";
import { ACC_BITS, IMM_BITS } from "../machine.js";
import { type Bits, field, has, numberOf } from "./fields.js";
import { MAC16_TIED, macLower, macUpper } from "./mac16.js";

export const PROD_BITS = 48;

export const multiplier = defineModule(
  "multiplier",
  {
    in: {
      mx: field("mx"),
      my: field("my"),
      imm: uint(IMM_BITS),
      vd: uint(32),
      r: uint(32),
      acc: uint(ACC_BITS),
      gd: uint(16),
      taken: uint(16),
      octet: uint(8),
      td: uint(16),
      yr: uint(16),
      a: uint(32),
      m: uint(32),
    },
    out: { prod: sint(PROD_BITS), negative: bool },
    doc: "Scalar multiplier: MX (32 bits, signed) times MY (16 bits, unsigned), in two DSP slices.",
  },
  ({ mx, my, imm, vd, r, acc, gd, taken, octet, td, yr, a, m }) => {
    const xs = (code: Parameters<typeof numberOf<"mx">>[1]): number => numberOf("mx", code);
    const x = select(
      mx,
      [
        [xs("vd"), vd],
        [xs("r"), r],
        [xs("acc"), acc.slice(31, 0)],
        [xs("acch"), acc.slice(47, 16)],
        [xs("accl"), acc.slice(15, 0).extend(32)],
        [xs("gs"), gd.asSigned().extend(32).asUnsigned()],
      ],
      lit(uint(32), 1),
    ).as("mx_next");
    const ys = (code: Parameters<typeof numberOf<"my">>[1]): number => numberOf("my", code);
    const y = select(
      my,
      [
        [ys("byte"), octet.extend(16)],
        [ys("factor"), cat(lit(uint(1), 1), octet.slice(3, 0)).extend(16)],
        [ys("half"), taken],
        [ys("td"), td],
        [ys("yr"), yr],
        [ys("rlo"), r.slice(15, 0)],
        [ys("rhi"), r.slice(31, 16)],
        [ys("alo"), a.slice(15, 0)],
        [ys("ahi"), a.slice(31, 16)],
        [ys("r15"), r.slice(3, 0).extend(16)],
        [ys("r255"), r.slice(7, 0).extend(16)],
        [ys("vdlo"), vd.slice(15, 0)],
        [ys("imm"), imm],
        [ys("mlo"), m.slice(15, 0)],
      ],
      m.slice(31, 16),
    ).as("my_next");
    const keepX = has("mx", mx, "none").as("keep_mx");
    const keepY = has("my", my, "none").as("keep_my");
    const slice = {
      ...MAC16_TIED,
      AHOLD: keepX,
      BHOLD: keepY,
      B: y,
      OHOLDTOP: 0,
      OHOLDBOT: 0,
      OLOADTOP: 0,
      OLOADBOT: 0,
    } as const;
    const lower: Bits = macLower.inst("u_lower", { ...slice, A: x.slice(15, 0), C: 0, D: 0 }).O;
    const upper: Bits = macUpper.inst("u_upper", {
      ...slice,
      A: x.slice(31, 16),
      C: 0,
      D: lower.slice(31, 16),
    }).O;
    // The sign of MX: that of the product, unless it is 0.
    const negative = reg("negative", bool);
    when(keepX.not(), () => negative.set(x.bit(31)));
    return { prod: cat(upper, lower.slice(15, 0)).asSigned(), negative };
  },
);
