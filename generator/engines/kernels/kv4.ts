/**
 * Keys and values of 4 bits: two of them, or two rows of 4-bit weights, in one multiplier, sharing the activation; for attention those
 * are two keys and one element of the query (AccLLM, arXiv 2505.03745, W2A8KV4; lanes: dsp/packing.ts). A nibble is the two digits of a
 * row pair side by side, value + 8: it is wired to the operand as it is, and the pre-adder takes the 8 off in both lanes.
 */
import { cat, defineModule, fail, type Sig } from "../../hdl/index.js";
import { type AcceleratorConfig, lanes } from "../../isa/config.js";
import { alongside, digit, range, type Signed } from "../digits.js";
import { type Product, SLICES } from "../dsp/cascade.js";
import { cascadeDepth, packedDots, type Unpack } from "../dsp/dots.js";
import { type Packing, packing, sideBySide } from "../dsp/packing.js";
import { engineGroups, type Family, GROUP_SUM_BITS, type Kernel, kernelPorts } from "../kernel.js";
import { checkKernelRows, GROUP, pairs } from "../port.js";

const LARGEST = 8 * 127;

export const keyPacking = (family: Family, keys: number): Packing =>
  packing({
    operand: SLICES[family].multiplicand,
    lanes: keys,
    value: 5, // the nibble before the pre-adder, and -8 with a borrow behind it
    largest: LARGEST,
    wanted: GROUP,
  });

/** The nibbles value + 8 of two keys, and the element of the query. */
export const keyProduct = (pack: Packing, nibbles: readonly Sig<"u", number>[], act: Signed): Product => ({
  ...sideBySide(pack, nibbles, 8),
  multiplier: act,
});

/** `unpack` is for tests. */
export const buildKv4 = (c: AcceleratorConfig, family: Family, unpack?: Unpack) => {
  checkKernelRows(c);
  if (c.rows % 2 === 1)
    fail(`kv4 multiplies 4-bit values, a pair of rows each: rows is even; this one is ${c.rows}`);
  const values = range(pairs(c));
  const multipliers = values
    .filter((j) => j % 2 === 0)
    .map((j) => values.slice(j, j + 2))
    .map((keys) => ({ keys, pack: keyPacking(family, keys.length) }));
  return defineModule(
    `kv4_kernel_${lanes(c)}_${family}`,
    {
      ...kernelPorts(c),
      doc: `4-bit values times activations: ${values.length} value(s), two in a multiplier.`,
    },
    ({ beat }) => ({
      groups: beat.pipe(engineGroups(c), (p, cut, stages) => {
        const dots = multipliers.flatMap(({ keys, pack }) => {
          const nibbles = keys.map((j) =>
            range(GROUP).map((i) =>
              cat(digit(c, p.weights, 2 * j + 1, i), digit(c, p.weights, 2 * j, i)).as(`nibble_${j}_${i}`),
            ),
          );
          return packedDots(
            { family, name: `keys_${keys.join("_")}`, packing: pack, ...(unpack && { unpack }) },
            (column, at) =>
              keyProduct(
                pack,
                nibbles.map((of) => at(of[column]!)),
                at(p.act[column]!),
              ),
            cut,
            stages,
          );
        });
        // the sum of row pair j is entry 2j
        const groups = range(c.rows).map((r) => dots[r >> 1]!.resize(GROUP_SUM_BITS).as(`group_${r}`));
        return alongside(p, groups);
      }),
    }),
  );
};

export const kv4: Kernel = {
  name: "kv4",
  title: "two 4-bit keys or values in one multiplier, sharing the activation",
  source: "AccLLM, arXiv 2505.03745",
  codes: ["w4"],
  families: ["xcup", "xc7", "ecp5", "fabric"],
  exactness: (c) => {
    const pack = keyPacking("xcup", Math.min(2, pairs(c)));
    return {
      depth: cascadeDepth(pack),
      reason: `|v·a| <= ${LARGEST}, so lanes of ${pack.spacing} bits hold the sum of all ${GROUP} columns`,
      minus128: "refused",
    };
  },
  cyclesPerBeat: () => 1,
  build: (c, family) => buildKv4(c, family),
};
