/**
 * Typed WebAssembly expressions: as many instructions as the kernels need, SIMD and atomics among them.
 * https://webassembly.github.io/spec/core/binary/instructions.html, and the threads proposal for 0xfe.
 */
import { signed, unsigned } from "./bytes.js";

export type Integer = "i32" | "i64";
export type Scalar = Integer | "f32" | "f64";
export type Type = Scalar | "v128";

/** Code that leaves one value of its type on the stack; "void" leaves none. */
export interface Expr<T extends Type | "void"> {
  readonly type: T;
  readonly bytes: readonly number[];
}
/** Numbers stand for constants of the other operand's type. */
export type Operand<T extends Type> = Expr<T> | number;

export function int<T extends Integer>(type: T, value: number): Expr<T> {
  return { type, bytes: [type === "i32" ? 0x41 : 0x42, ...signed(value)] };
}

export function i32(value: number): Expr<"i32"> {
  return int("i32", value | 0);
}

export function i64(value: number): Expr<"i64"> {
  return int("i64", value);
}

function lift<T extends Integer>(type: T, operand: Operand<T>): Expr<T> {
  return typeof operand === "number" ? int(type, operand) : operand;
}

type Binary = <T extends Integer>(a: Expr<T>, b: Operand<NoInfer<T>>) => Expr<T>;
const binary =
  (op32: number, op64: number): Binary =>
  (a, b) => ({
    type: a.type,
    bytes: [...a.bytes, ...lift(a.type, b).bytes, a.type === "i32" ? op32 : op64],
  });

export const add = binary(0x6a, 0x7c);
export const sub = binary(0x6b, 0x7d);
export const mul = binary(0x6c, 0x7e);
export const divU = binary(0x6e, 0x80);
export const remU = binary(0x70, 0x82);
export const and = binary(0x71, 0x83);
export const or = binary(0x72, 0x84);
export const xor = binary(0x73, 0x85);
export const shl = binary(0x74, 0x86);
/** Arithmetic. */
export const shr = binary(0x75, 0x87);
export const shrU = binary(0x76, 0x88);

type Comparison = <T extends Integer>(a: Expr<T>, b: Operand<NoInfer<T>>) => Expr<"i32">;
const comparison =
  (op32: number, op64: number): Comparison =>
  (a, b) => ({ type: "i32", bytes: [...a.bytes, ...lift(a.type, b).bytes, a.type === "i32" ? op32 : op64] });

export const eq = comparison(0x46, 0x51);
export const ne = comparison(0x47, 0x52);
/** Comparisons are signed, but for gtU. */
export const lt = comparison(0x48, 0x53);
export const gt = comparison(0x4a, 0x55);
export const gtU = comparison(0x4b, 0x56);
export const le = comparison(0x4c, 0x57);
export const ge = comparison(0x4e, 0x59);

function convert<T extends Type, R extends Type>(result: R, op: readonly number[]) {
  return (a: Expr<T>): Expr<R> => ({ type: result, bytes: [...a.bytes, ...op] });
}
export const wrap = convert<"i64", "i32">("i32", [0xa7]);
export const extend = convert<"i32", "i64">("i64", [0xac]);
export const extendU = convert<"i32", "i64">("i64", [0xad]);
/** 1 when 0, else 0. */
export const eqz = convert<"i32", "i32">("i32", [0x45]);
export const clz64 = convert<"i64", "i64">("i64", [0x79]);
/** Any double, NaN and the infinities too. */
export function f64(value: number): Expr<"f64"> {
  return { type: "f64", bytes: [0x44, ...new Uint8Array(new Float64Array([value]).buffer)] };
}
export const addF64 = (a: Expr<"f64">, b: Expr<"f64">): Expr<"f64"> => ({
  type: "f64",
  bytes: [...a.bytes, ...b.bytes, 0xa0],
});
export const addF32 = (a: Expr<"f32">, b: Expr<"f32">): Expr<"f32"> => ({
  type: "f32",
  bytes: [...a.bytes, ...b.bytes, 0x92],
});

/** a when the condition is not 0, else b; both are computed. */
export function select<T extends Scalar>(a: Expr<T>, b: Expr<NoInfer<T>>, condition: Expr<"i32">): Expr<T> {
  return { type: a.type, bytes: [...a.bytes, ...b.bytes, ...condition.bytes, 0x1b] };
}

// memory: an address, and a constant offset that is not negative

type Load<T extends Type> = (address: Expr<"i32">, offset?: number) => Expr<T>;
type Store<T extends Type> = (address: Expr<"i32">, value: Expr<T>, offset?: number) => Expr<"void">;
/** Natural alignment is only a hint, so none is claimed, except where atomics must. */
const load =
  <T extends Type>(type: T, op: readonly number[], align = 0): Load<T> =>
  (address, offset = 0) => ({ type, bytes: [...address.bytes, ...op, align, ...unsigned(offset)] });
const store =
  <T extends Type>(op: readonly number[], align = 0): Store<T> =>
  (address, value, offset = 0) => ({
    type: "void",
    bytes: [...address.bytes, ...value.bytes, ...op, align, ...unsigned(offset)],
  });

export const load32 = load("i32", [0x28]);
export const load64 = load("i64", [0x29]);
export const loadF32 = load("f32", [0x2a]);
export const load8S = load("i32", [0x2c]);
export const load8U = load("i32", [0x2d]);
export const load16S = load("i32", [0x2e]);
/** Sign-extended. */
export const load32As64 = load("i64", [0x34]);
export const store32 = store<"i32">([0x36]);
export const store64 = store<"i64">([0x37]);
export const storeF32 = store<"f32">([0x38]);
export const store8 = store<"i32">([0x3a]);
export const store16 = store<"i32">([0x3b]);

export const atomicLoad = load("i32", [0xfe, 0x10], 2);
export const atomicStore = store<"i32">([0xfe, 0x17], 2);
/** The value before. */
export const atomicAdd = (address: Expr<"i32">, value: Operand<"i32">): Expr<"i32"> => ({
  type: "i32",
  bytes: [...address.bytes, ...lift("i32", value).bytes, 0xfe, 0x1e, 2, 0],
});
/** Sleeps while the word is `expected`, at most so many nanoseconds: 0 woken, 1 another value, 2 time is up. */
export const atomicWait = (
  address: Expr<"i32">,
  expected: Expr<"i32">,
  nanoseconds: number,
): Expr<"i32"> => ({
  type: "i32",
  bytes: [...address.bytes, ...expected.bytes, ...i64(nanoseconds).bytes, 0xfe, 0x01, 2, 0],
});
/** Wakes all who sleep at the word; how many those were. */
export const atomicNotify = (address: Expr<"i32">): Expr<"i32"> => ({
  type: "i32",
  bytes: [...address.bytes, ...i32(-1).bytes, 0xfe, 0x00, 2, 0],
});

// SIMD

const simd = (op: number): number[] => [0xfd, ...unsigned(op)];
const binaryV =
  (op: number) =>
  (a: Expr<"v128">, b: Expr<"v128">): Expr<"v128"> => ({
    type: "v128",
    bytes: [...a.bytes, ...b.bytes, ...simd(op)],
  });
const shiftV =
  (op: number) =>
  (a: Expr<"v128">, count: Operand<"i32">): Expr<"v128"> => ({
    type: "v128",
    bytes: [...a.bytes, ...lift("i32", count).bytes, ...simd(op)],
  });

export const loadV = load("v128", simd(0x00));
/** Eight int8 as eight int16. */
export const load8x8S = load("v128", simd(0x01));
export const load32Splat = load("v128", simd(0x09));
export const storeV = store<"v128">(simd(0x0b));
export const zeroV: Expr<"v128"> = { type: "v128", bytes: [...simd(0x0c), ...new Array<number>(16).fill(0)] };
export const splat16 = convert<"i32", "v128">("v128", simd(0x10));
export const shlV16 = shiftV(0x8b);
export const shrV16 = shiftV(0x8c);
export const mulV16 = binaryV(0x95);
export const addV32 = binaryV(0xae);
/** i32x4.dot_i16x8_s: sums of neighbouring products. */
export const dotV16 = binaryV(0xba);
/** The lower, the upper two int32 as int64. */
export const lowV64 = convert<"v128", "v128">("v128", simd(0xc7));
export const highV64 = convert<"v128", "v128">("v128", simd(0xc8));
export const shlV64 = shiftV(0xcb);
export const addV64 = binaryV(0xce);
export const splat64 = convert<"i64", "v128">("v128", simd(0x12));
export const splatF64 = convert<"f64", "v128">("v128", simd(0x14));
export const andV = binaryV(0x4e);
/** a without the bits of b. */
export const andNotV = binaryV(0x4f);
export const ltVF64 = binaryV(0x49);
export const geVF64 = binaryV(0x4c);
export const floorVF64 = convert<"v128", "v128">("v128", simd(0x75));
export const addVF64 = binaryV(0xf0);
export const subVF64 = binaryV(0xf1);
export const mulVF64 = binaryV(0xf2);
export const divVF64 = binaryV(0xf3);
export const minVF64 = binaryV(0xf4);
export const addVF32 = binaryV(0xe4);
export const mulVF32 = binaryV(0xe6);

/** Bytes of a (0..15) and b (16..31) in any order. */
export function shuffle(a: Expr<"v128">, b: Expr<"v128">, lanes: readonly number[]): Expr<"v128"> {
  return { type: "v128", bytes: [...a.bytes, ...b.bytes, ...simd(0x0d), ...lanes] };
}
export function lane32(a: Expr<"v128">, lane: number): Expr<"i32"> {
  return { type: "i32", bytes: [...a.bytes, ...simd(0x1b), lane] };
}
export function lane64(a: Expr<"v128">, lane: number): Expr<"i64"> {
  return { type: "i64", bytes: [...a.bytes, ...simd(0x1d), lane] };
}
export function laneF64(a: Expr<"v128">, lane: number): Expr<"f64"> {
  return { type: "f64", bytes: [...a.bytes, ...simd(0x21), lane] };
}
export function laneF32(a: Expr<"v128">, lane: number): Expr<"f32"> {
  return { type: "f32", bytes: [...a.bytes, ...simd(0x1f), lane] };
}
