/** Shapes as ports: nested records flatten with `_`, a stream becomes valid, ready and its payload. */
import { fail } from "../errors.js";
import type * as ir from "../ir.js";
import { type RecordShape, type Shape, StreamShape, Ty, Vec } from "../types.js";

export interface Visit {
  leaf(ty: Ty, port: string, path: readonly string[]): void;
  stream(s: StreamShape, port: string, path: readonly string[]): void;
}
/** Calls back for every leaf and stream of a shape, with the name of its port and its path in the value. */
export const walk = (shape: Shape, port: string, path: readonly string[], v: Visit): void => {
  if (shape instanceof Ty) return v.leaf(shape, port, path);
  if (shape instanceof StreamShape) return v.stream(shape, port, path);
  if (shape instanceof Vec) {
    for (let i = 0; i < shape.length; i++) walk(shape.element, `${port}_${i}`, [...path, String(i)], v);
    return;
  }
  for (const [k, s] of Object.entries(shape)) walk(s, port === "" ? k : `${port}_${k}`, [...path, k], v);
};

/** What lies at a path of a value. */
export const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce((v, k) => (v as Record<string, unknown> | undefined)?.[k], value);

/** Keys of a value that its shape does not have. */
export const strangers = (shape: Shape, value: unknown, port = ""): string[] => {
  if (typeof value !== "object" || value === null || shape instanceof Ty || shape instanceof StreamShape)
    return [];
  if (shape instanceof Vec) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const name = port === "" ? key : `${port}_${key}`;
    const known = shape[key];
    return known === undefined ? [name] : strangers(known, inner, name);
  });
};

/** Builds a value of a shape from its leaves and streams. */
export const build = (
  shape: Shape,
  port: string,
  leaf: (ty: Ty, port: string) => unknown,
  stream: (s: StreamShape, port: string) => unknown,
): unknown => {
  if (shape instanceof Ty) return leaf(shape, port);
  if (shape instanceof StreamShape) return stream(shape, port);
  if (shape instanceof Vec)
    return Array.from({ length: shape.length }, (_, i) => build(shape.element, `${port}_${i}`, leaf, stream));
  return Object.fromEntries(
    Object.entries(shape).map(([k, s]) => [k, build(s, port === "" ? k : `${port}_${k}`, leaf, stream)]),
  );
};

const nested = (): never => fail("a stream inside a stream's payload");
/** A payload that is one signal has the port `<name>_data`. */
const payloadPort = (s: StreamShape, port: string): string =>
  s.payload instanceof Ty ? `${port}_data` : port;
export const walkPayload = (s: StreamShape, port: string, leaf: Visit["leaf"]): void =>
  walk(s.payload, payloadPort(s, port), [], { leaf, stream: nested });
export const buildPayload = (
  s: StreamShape,
  port: string,
  leaf: (ty: Ty, port: string) => unknown,
): unknown => build(s.payload, payloadPort(s, port), leaf, nested);

/** Leaf ports of a record of shapes, in order; a black box has no streams. */
export const leafPorts = (shape: RecordShape): ir.Port[] => {
  const ports: ir.Port[] = [];
  walk(shape, "", [], {
    leaf: (ty, name) => ports.push({ name, width: ty.width, signed: ty.kind === "s" }),
    stream: (_, name) => fail(`port '${name}': a black box has plain ports; connect valid and ready by hand`),
  });
  return ports;
};
