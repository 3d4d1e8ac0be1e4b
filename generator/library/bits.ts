/** Records as plain bits and back: for storage that does not care what it stores. */
import { cat, fail, type Of, type Shape, type Sig, StreamShape, Ty, Vec } from "../hdl/index.js";

/** Bits of all leaves of a shape. */
export const shapeBits = (shape: Shape): number => {
  let width = 0;
  eachLeaf(shape, null, (ty) => {
    width += ty.width;
  });
  return width;
};

/** The leaves of a value side by side, the first lowest. */
export const toBits = <S extends Shape>(shape: S, value: Of<S>): Sig<"u", number> => {
  const parts: Sig<"u", number>[] = [];
  eachLeaf(shape, value, (_, leaf) => parts.unshift((leaf as Sig).asUnsigned()));
  return cat(...parts);
};

/** The inverse of `toBits`. */
export const fromBits = <S extends Shape>(shape: S, bits: Sig<"u", number>): Of<S> => {
  let at = 0;
  const build = (s: Shape): unknown => {
    if (s instanceof Ty) {
      const field: Sig<"u", number> = bits.slice(at + s.width - 1, at);
      at += s.width;
      return s.kind === "s" ? field.asSigned() : field;
    }
    if (s instanceof Vec) return Array.from({ length: s.length }, () => build(s.element));
    if (s instanceof StreamShape) return fail("a stream has no bits");
    return Object.fromEntries(Object.entries(s).map(([name, field]) => [name, build(field)]));
  };
  return build(shape) as Of<S>;
};

const eachLeaf = (shape: Shape, value: unknown, visit: (ty: Ty, leaf: unknown) => void): void => {
  if (shape instanceof Ty) visit(shape, value);
  else if (shape instanceof Vec)
    for (let i = 0; i < shape.length; i++) eachLeaf(shape.element, (value as unknown[] | null)?.[i], visit);
  else if (shape instanceof StreamShape) fail("a stream has no bits");
  else
    for (const [name, field] of Object.entries(shape))
      eachLeaf(field, (value as Record<string, unknown> | null)?.[name], visit);
};
