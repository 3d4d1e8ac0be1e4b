/** Units around engines and engines with a port of their own: what the engine table knows about each. */
import { type Design, elaborate, fail } from "../hdl/index.js";
import { type AcceleratorConfig, defaultConfig } from "../isa/config.js";
import { hadamard } from "./hadamard/hadamard.js";
import { skipZeros } from "./topk/skip.js";
import { topK } from "./topk/topk.js";
import { tableLookup } from "./vq/lookup.js";
import { centroidSearch } from "./vq/search.js";

export type UnitSize = Readonly<Record<string, number>>;
export interface Unit {
  /** As in the table. */
  readonly name: string;
  /** One line for the table. */
  readonly title: string;
  /** The paper, with section or figure. */
  readonly source: string;
  /** The size that the table states. */
  readonly size: UnitSize;
  /** At the table's size, but for the parameters given. Throws an HdlError that says what would work. */
  build(size?: UnitSize): Design;
}

const unit = <S extends UnitSize>({
  describe,
  ...u
}: Omit<Unit, "build" | "size"> & {
  readonly size: S;
  readonly describe: (size: Readonly<Record<keyof S, number>>) => Parameters<typeof elaborate>[0];
}): Unit => ({
  ...u,
  build: (given = {}) => {
    const known = Object.keys(u.size);
    for (const key of Object.keys(given))
      if (!known.includes(key)) fail(`unit '${u.name}' has no size '${key}'; it has ${known.join(", ")}`);
    return elaborate(describe({ ...u.size, ...given }));
  },
});

const kernelConfig = (rows: number): AcceleratorConfig => ({ ...defaultConfig, rows, tokens: 1 });

export const UNITS: readonly Unit[] = [
  unit({
    name: "vq-search",
    title: "nearest of 64 activation centroids for a pair of activations",
    source: "LUT-LLM, arXiv 2511.06174, parallel centroid search",
    size: { parallel: 16 },
    describe: ({ parallel }) => centroidSearch(parallel),
  }),
  unit({
    name: "vq-lookup",
    title: "2-D table lookup: 64 activation by 16 weight centroids, 16 pairs a beat",
    source: "LUT-LLM, arXiv 2511.06174, 2-D table lookup",
    size: { rows: 8, sets: 2 },
    describe: tableLookup,
  }),
  unit({
    name: "hadamard",
    title: "Walsh-Hadamard transform before quantisation",
    source: "BitNet v2, arXiv 2504.18415, H-BitLinear",
    size: { length: 128, vector: 4, width: 8 },
    describe: hadamard,
  }),
  unit({
    name: "topk",
    title: "the K largest activations, groups without any left out",
    source: "Q-Sparse, arXiv 2407.10969; BitNet a4.8, arXiv 2411.04965",
    size: { length: 2048, keep: 1024 },
    describe: topK,
  }),
  unit({
    name: "skip-zeros",
    title: "drops beats whose 32 activations are zero",
    source: "Q-Sparse, arXiv 2407.10969",
    size: { rows: 2 },
    describe: ({ rows }) => skipZeros(kernelConfig(rows)),
  }),
];

export const unitNames = (): string[] => UNITS.map((u) => u.name);
export const unitOf = (name: string): Unit | undefined => UNITS.find((u) => u.name === name);
