/**
 * What `tsc` knows of widths, kinds and ports: each `@ts-expect-error` is a mistake that must not compile (`tsc --noEmit`
 * says so when it does), and each test shows what the same mistake says where widths are plain numbers.
 */
import assert from "node:assert/strict";
import { messageOf } from "../errors.testing.js";
import { bool, defineModule, elaborate, mux, reg, type Sig, sint, stream, uint } from "../index.js";

/** The message of a module whose body uses an unsigned byte, a nibble and a signed byte. */
const using = (body: (s: { a: Sig<"u", 8>; b: Sig<"u", 4>; s: Sig<"s", 8> }) => unknown): string =>
  messageOf(() =>
    elaborate(
      defineModule("typed", { in: { a: uint(8), b: uint(4), s: sint(8) }, out: { y: bool } }, (ins) => {
        body(ins);
        return { y: 0 };
      }),
    ),
  );

describe("types", () => {
  it("widths of literals compute", () =>
    assert.equal(
      using(({ a, b, s }) => {
        const sum: Sig<"u", 9> = a.add(b);
        const difference: Sig<"s", 9> = a.sub(b);
        const wrapped: Sig<"u", 8> = a.addMod(b);
        const product: Sig<"u", 12> = a.mul(b);
        const negative: Sig<"s", 9> = s.neg();
        const shifted: Sig<"u", 11> = a.shl(3);
        const part: Sig<"u", 5> = a.slice(6, 2);
        const signed: Sig<"s", 9> = a.toSigned();
        const chosen: Sig<"u", 8> = mux(a.eq(3), a, b);
        // @ts-expect-error one bit too few
        const short: Sig<"u", 8> = a.add(b);
        // @ts-expect-error a difference is signed
        const unsigned: Sig<"u", 9> = a.sub(b);
        const widths = [
          sum,
          difference,
          wrapped,
          product,
          negative,
          shifted,
          part,
          signed,
          chosen,
          short,
          unsigned,
        ];
        assert.deepEqual(
          widths.map((x) => x.width as number),
          [9, 9, 8, 12, 9, 11, 5, 9, 8, 9, 9],
        );
      }),
      "no error",
    ));

  it("plain numbers degrade to numbers, and are checked while describing", () =>
    assert.equal(
      using(({ a }) => {
        const width: number = a.width;
        const some: Sig<"u", number> = a.extend(width + 1);
        const r = reg("r", uint(8));
        r.set(some);
      }),
      "F:L:C: register 'r' has 8 bits (declared at F:L:C), the value has 9; use .wrap(8) or .sat(8)",
    ));

  it("a register takes values of at most its width", () =>
    assert.equal(
      using(({ a, b }) => {
        const r = reg("r", uint(8));
        r.set(b);
        r.set(7);
        // @ts-expect-error nine bits
        r.set(a.add(b));
      }),
      "F:L:C: register 'r' has 8 bits (declared at F:L:C), the value has 9; use .wrap(8) or .sat(8)",
    ));

  it("a register takes values of its kind", () =>
    assert.equal(
      using(({ s }) => {
        const r = reg("r", uint(8));
        // @ts-expect-error signed
        r.set(s);
      }),
      "F:L:C: register 'r' is uint(8) (declared at F:L:C), the value sint(8); use .asSigned() or .asUnsigned()",
    ));

  it("kinds do not mix", () =>
    assert.equal(
      using(({ a, s }) =>
        // @ts-expect-error unsigned and signed
        a.add(s),
      ),
      [
        "F:L:C: add: uint(8) meets sint(8); use .toSigned(), .asSigned() or .asUnsigned()",
        "    F:L:C: left operand",
        "    F:L:C: right operand",
      ].join("\n"),
    ));

  const child = defineModule(
    "child",
    { in: { x: { lo: uint(4), hi: uint(4) } }, out: { y: uint(8) } },
    ({ x }) => ({ y: x.lo.add(x.hi) }),
  );
  it("an instance wants all its inputs", () =>
    assert.equal(
      using(({ b }) =>
        child.inst("u_child", {
          // @ts-expect-error hi is missing
          x: { lo: b },
        }),
      ),
      "F:L:C: instance 'u_child' of 'child': input 'x_hi' is missing; give it a signal or a number",
    ));
  it("an instance wants inputs of their kinds", () =>
    assert.equal(
      using(({ b, s }) =>
        child.inst("u_child", {
          // @ts-expect-error signed
          x: { lo: b, hi: s },
        }),
      ),
      "F:L:C: instance 'u_child': input 'x_hi' of 'child' is uint(4), the value is sint(8)\n    F:L:C: value made here",
    ));
  it("an instance takes no others", () =>
    assert.equal(
      using(({ b }) =>
        child.inst("u_child", {
          x: { lo: b, hi: b },
          // @ts-expect-error there is no z
          z: b,
        }),
      ),
      "F:L:C: instance 'u_child': 'child' has no input 'z'",
    ));
  it("outputs have the names of the interface", () =>
    assert.equal(
      using(({ b }) => {
        const { y } = child.inst("u_child", { x: { lo: b, hi: b } });
        // @ts-expect-error there is no z
        const { z } = child.inst("u_other", { x: { lo: b, hi: b } });
        assert.deepEqual([y.width, z], [8, undefined]);
      }),
      "no error",
    ));
  it("a body returns all outputs", () =>
    assert.equal(
      messageOf(() =>
        elaborate(
          // @ts-expect-error q is missing
          defineModule("half", { in: { d: bool }, out: { p: bool, q: bool } }, ({ d }) => ({ p: d })),
        ),
      ),
      "F:L:C: output 'q' of module 'half' is missing; the body must return it",
    ));
  it("a stream is a stream", () =>
    assert.equal(
      messageOf(() =>
        elaborate(
          // @ts-expect-error a signal instead of a stream
          defineModule("bare", { in: { d: bool }, out: { s: stream(bool) } }, ({ d }) => ({ s: d })),
        ),
      ),
      "F:L:C: module 'bare': output 's' must be a stream",
    ));
});
