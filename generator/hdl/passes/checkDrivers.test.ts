import assert from "node:assert/strict";
import { messageOf } from "../errors.testing.js";
import {
  bool,
  defineModule,
  elaborate,
  lit,
  Mem,
  reg,
  type Sig,
  source,
  stream,
  uint,
  wire,
} from "../index.js";

const module = (body: (x: Sig<"u", 8>) => Sig<"u", number>): string =>
  messageOf(() =>
    elaborate(defineModule("m", { in: { x: uint(8) }, out: { y: uint(8) } }, ({ x }) => ({ y: body(x) }))),
  );

describe("checkDrivers", () => {
  it("a wire without a driver", () =>
    assert.equal(
      module(() => wire("floating", uint(8))),
      "F:L:C: wire 'floating' of module 'm' is never driven; give it a value with .drive(...)",
    ));

  it("a wire with two", () =>
    assert.equal(
      module((x) => {
        const w = wire("shared", uint(8));
        w.drive(x);
        w.drive(x.not());
        return w;
      }),
      [
        "F:L:C: wire 'shared' of module 'm' is driven twice; choose between the values with mux or select",
        "    F:L:C: driven first here",
        "    F:L:C: declared here",
      ].join("\n"),
    ));

  it("a register that is never set, with and without a reset", () => {
    const text =
      "F:L:C: register 'idle' of module 'm' is never set; give it a value with .set(...), or use a constant: lit(...)";
    assert.equal(
      module(() => reg("idle", uint(8))),
      text,
    );
    assert.equal(
      module(() => reg("idle", uint(8), { reset: 3 })),
      text,
    );
  });

  it("a memory that holds nothing; contents are something", () => {
    const read = (options: { zero?: boolean; contents?: number[] }): string =>
      module((x) => new Mem("words", uint(8), 4, options).readAsync(x.wrap(2)));
    assert.equal(
      read({}),
      "F:L:C: memory 'words' of module 'm' is never written and has no contents; call .write(...), or declare it with contents or zero",
    );
    assert.equal(read({ contents: [1, 2, 3, 4] }), "no error");
    assert.equal(read({ zero: true }), "no error");
  });

  it("an error that stands already is not said again", () =>
    assert.equal(
      module((x) => {
        const r = reg("narrow", uint(4));
        (r as { set(value: Sig<"u", number>): void }).set(x);
        return r;
      }),
      "F:L:C: register 'narrow' has 4 bits (declared at F:L:C), the value has 8; use .wrap(4) or .sat(4)",
    ));

  describe("streams", () => {
    const taken = (times: number): string =>
      messageOf(() =>
        elaborate(
          defineModule("s", { in: { x: stream(uint(4)) }, out: { y: bool } }, ({ x }) => {
            for (let i = 0; i < times; i++) x.consume(lit(bool, 1));
            return { y: x.valid };
          }),
        ),
      );
    it("that nobody takes", () =>
      assert.equal(
        taken(0),
        "F:L:C: stream 'x' of module 's' is never consumed; call .consume(ready), pass it to an instance or return it",
      ));
    it("that one takes", () => assert.equal(taken(1), "no error"));
    it("that two take", () =>
      assert.equal(
        taken(2),
        [
          "F:L:C: stream 'x' of module 's' is consumed twice; a stream goes to one place, a fork makes two of one",
          "    F:L:C: consumed first here",
          "    F:L:C: made here",
        ].join("\n"),
      ));
    it("that nobody takes, made inside", () =>
      assert.equal(
        module((x) => {
          source(uint(8), x, x.bit(0), "lost");
          return x;
        }),
        "F:L:C: stream 'lost' of module 'm' is never consumed; call .consume(ready), pass it to an instance or return it",
      ));
  });

  it("outputs that are missing, and everything else in one go", () =>
    assert.equal(
      messageOf(() =>
        elaborate(
          defineModule("o", { in: {}, out: { y: bool, s: stream(bool) } }, () => {
            wire("floating", uint(8));
            // What an untyped caller, or one who silences tsc, can do.
            return JSON.parse("{}");
          }),
        ),
      ),
      [
        "F:L:C: output 'y' of module 'o' is missing; the body must return it",
        "F:L:C: output 's' of module 'o' is missing; the body must return it",
        "F:L:C: wire 'floating' of module 'o' is never driven; give it a value with .drive(...)",
      ].join("\n"),
    ));
});
