/** What people read when something is wrong: place in their file, both types, what to do. */
import assert from "node:assert/strict";
import {
  bool,
  defineModule,
  elaborate,
  HdlError,
  lit,
  mux,
  reg,
  type Sig,
  sint,
  stream,
  uint,
  wire,
} from "../index.js";

/** The message of the first error, with line and column of this file as L:C. */
const message = (describeIt: () => unknown): string => {
  try {
    describeIt();
  } catch (error) {
    assert.ok(error instanceof HdlError, String(error));
    return error.message.replaceAll("generator/hdl/core/errors.test.ts", "F").replace(/F:\d+:\d+/g, "F:L:C");
  }
  return "no error";
};
const module = (body: (x: Sig<"u", 8>) => Sig<"u", number>): string =>
  message(() =>
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
      "F:L:C: add: uint(8) meets sint(8); use .toSigned(), .asSigned() or .asUnsigned()\n    F:L:C: left operand\n    F:L:C: right operand".replace(
        "    F:L:C: left operand",
        "    left operand",
      ),
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

  it("a wire without a driver, a register that is never set", () => {
    assert.equal(
      module(() => wire("floating", uint(8))),
      "F:L:C: wire 'floating' of module 'm' is never driven",
    );
    assert.equal(
      module(() => reg("idle", uint(8))),
      "F:L:C: register 'idle' of module 'm' is never set",
    );
  });

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

  it("a stream that nobody takes, and one that two take", () => {
    const through = (times: number): string =>
      message(() =>
        elaborate(
          defineModule("s", { in: { x: stream(uint(4)) }, out: { y: bool } }, ({ x }) => {
            for (let i = 0; i < times; i++) x.consume(lit(bool, 1));
            return { y: x.valid };
          }),
        ),
      );
    assert.match(through(0), /stream 'x' of module 's' is never consumed/);
    assert.equal(through(1), "no error");
    assert.match(through(2), /F:L:C: stream 'x' is consumed twice/);
  });

  it("an output that is missing", () =>
    assert.match(
      message(() =>
        elaborate(defineModule("o", { in: {}, out: { y: bool } }, () => ({}) as { y: Sig<"u", 1> })),
      ),
      /module 'o': output 'y' is missing/,
    ));
});
