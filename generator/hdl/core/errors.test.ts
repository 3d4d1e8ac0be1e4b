/** What people read when something is wrong: place in their file, both types, what to do. */
import assert from "node:assert/strict";
import { bool, defineModule, elaborate, lit, mux, reg, type Sig, sint, uint, wire } from "../index.js";
import { messageOf } from "../errors.testing.js";

const module = (body: (x: Sig<"u", 8>) => Sig<"u", number>): string =>
  messageOf(() =>
    elaborate(defineModule("m", { in: { x: uint(8) }, out: { y: uint(8) } }, ({ x }) => ({ y: body(x) }))),
  );

describe("errors of the eDSL", () => {
  it("a register that is too narrow", () =>
    assert.equal(
      module((x) => {
        const r = reg("total", uint(8));
        (r as { set(v: Sig<"u", number>): void }).set(x.add(1));
        return r;
      }),
      "F:L:C: register 'total' has 8 bits (declared at F:L:C), the value has 9; use .wrap(8) or .sat(8)",
    ));

  it("kinds that differ", () =>
    assert.equal(
      module((x) => (x as Sig<"u", number>).add(lit(sint(8), -1) as never) as never),
      [
        "F:L:C: add: uint(8) meets sint(8); use .toSigned(), .asSigned() or .asUnsigned()",
        "    F:L:C: left operand",
        "    F:L:C: right operand",
      ].join("\n"),
    ));

  it("bits that are not there", () =>
    assert.equal(
      module((x) => x.slice(8, 1) as never).split("\n")[0],
      "F:L:C: bits 8..1 of a signal of 8 bits",
    ));

  it("a literal that does not fit", () =>
    assert.equal(
      module((x) => mux(x.bit(0), x, 256)).split("\n")[0],
      "F:L:C: output 'y' of 'm' is uint(8), the value is uint(9)",
    ));

  it("a signal of another module", () => {
    let leak: Sig<"u", 8> | undefined;
    module((x) => {
      leak = x;
      return x;
    });
    assert.match(
      module((x) => x.and(leak!)),
      /^F:L:C: a signal of module 'm' is used in module 'm'; pass it through ports/,
    );
  });

  it("a clock domain that the interface does not have", () =>
    assert.equal(
      module((x) => {
        const r = reg("slow", uint(8), { domain: "mem" });
        r.set(x);
        return r;
      }),
      "F:L:C: module 'm' has no clock domain 'mem'; add it to its interface: clocks: [\"mem\"]",
    ));

  it("a clock domain that the instantiated module does not have", () => {
    const inner = defineModule("inner", { in: { d: bool }, out: { q: bool } }, ({ d }) => ({ q: d }));
    assert.equal(
      messageOf(() =>
        elaborate(
          defineModule("outer", { in: { d: bool }, out: { q: bool } }, ({ d }) =>
            inner.inst("u_inner", { d }, { clocks: { fast: "" } }),
          ),
        ),
      ),
      "F:L:C: instance 'u_inner': 'inner' has no clock domain 'fast'",
    );
  });

  it("what was found before a mistake that ends the description", () =>
    assert.equal(
      module((x) => {
        const w = wire("w", uint(4));
        w.drive(16);
        return x.slice(9, 2) as Sig<"u", number>;
      }),
      [
        "F:L:C: wire 'w' is uint(4), the value 16 does not fit",
        "F:L:C: bits 9..2 of a signal of 8 bits",
        "    F:L:C: declared here",
      ].join("\n"),
    ));
});
