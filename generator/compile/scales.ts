/**
 * One constant K for what one instruction computes: gate and up, and the same matrix of all layers. A power of two moves
 * between K and the row exponents (only exponent - Te counts, contract section 4), so every result stays what it was.
 */
import type { QuantisedLayer, QuantisedMatrix, QuantisedModel, Scale } from "../../golden/model/types.js";
import { PADDING_EXPONENT } from "../engines/formats/beats.js";
import { CompileError } from "./error.js";

interface Scaled {
  readonly matrix: QuantisedMatrix;
  readonly scale: Scale;
}

/** Least and largest exponent of the rows that are not all zero. */
const exponentRange = ({ rows, exponents, mantissas }: QuantisedMatrix): readonly [number, number] => {
  const groups = mantissas.length / rows;
  let least = PADDING_EXPONENT;
  let most = 0;
  for (let row = 0; row < rows; row++) {
    if (mantissas.subarray(row * groups, (row + 1) * groups).every((m) => m === 0)) continue;
    least = Math.min(least, exponents[row]!);
    most = Math.max(most, exponents[row]!);
  }
  return least > most ? [0, 0] : [least, most];
};

/** The same matrices under one K, or undefined when mantissas of K differ or row exponents would leave 0..31. */
export const unify = (
  list: readonly Scaled[],
): { readonly matrices: QuantisedMatrix[]; readonly scale: Scale } | undefined => {
  const m = list[0]!.scale.m;
  if (list.some(({ scale }) => scale.m !== m)) return undefined;
  if (list.every(({ scale }) => scale.e === list[0]!.scale.e))
    return { matrices: list.map(({ matrix }) => matrix), scale: list[0]!.scale };
  let lower = -Infinity;
  let upper = Infinity;
  let e = -Infinity;
  for (const { matrix, scale } of list) {
    const [least, most] = exponentRange(matrix);
    lower = Math.max(lower, scale.e - least);
    upper = Math.min(upper, scale.e + PADDING_EXPONENT - most);
    e = Math.max(e, scale.e);
  }
  if (lower > upper) return undefined;
  e = Math.min(Math.max(e, lower), upper);
  const matrices = list.map(({ matrix, scale }) => {
    const up = e - scale.e;
    if (up === 0) return matrix;
    const exponents = matrix.exponents.map((x) => {
      const moved = x + up;
      return moved < 0 || moved > PADDING_EXPONENT ? PADDING_EXPONENT : moved; // out of range: a row of zeros
    });
    return { ...matrix, exponents };
  });
  return { matrices, scale: { m, e } };
};

const TOGETHER = [["q"], ["k"], ["v"], ["o"], ["gate", "up"], ["down"]] as const;

/** The model with K of gate and up equal, and K of each matrix equal in all layers where that is possible. */
export const commonScales = (model: QuantisedModel): QuantisedModel => {
  const layers = model.layers.map(
    (layer) => ({ ...layer, scale: { ...layer.scale } }) as Writable<QuantisedLayer>,
  );
  const apply = (kinds: (typeof TOGETHER)[number], of: readonly Writable<QuantisedLayer>[]): boolean => {
    const unified = unify(
      of.flatMap((layer) => kinds.map((kind) => ({ matrix: layer[kind], scale: layer.scale[kind] }))),
    );
    if (unified === undefined) return false;
    of.forEach((layer, l) => {
      kinds.forEach((kind, k) => {
        layer[kind] = unified.matrices[l * kinds.length + k]!;
        layer.scale = { ...layer.scale, [kind]: unified.scale };
      });
    });
    return true;
  };
  const problems: string[] = [];
  for (const kinds of TOGETHER) {
    if (apply(kinds, layers) || kinds.length === 1) continue;
    layers.forEach((layer, l) => {
      if (apply(kinds, [layer])) return;
      const { gate, up } = layer.scale;
      problems.push(
        `layer ${l}: gate and up are one interleaved matrix and need one scale, but K of gate is ${gate.m}·2^${gate.e} and of ` +
          `up ${up.m}·2^${up.e}; quantise them with equal mantissas of K and row exponents that leave room for the difference`,
      );
    });
  }
  if (problems.length > 0) throw new CompileError(problems);
  return { ...model, layers };
};

type Writable<T> = { -readonly [K in keyof T]: T[K] };
