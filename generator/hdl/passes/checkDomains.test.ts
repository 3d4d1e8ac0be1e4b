import assert from "node:assert/strict";
import { messageOf } from "../errors.testing.js";
import {
  assertAlways,
  blackbox,
  bool,
  type CrossingOptions,
  crossing,
  defineModule,
  elaborate,
  Mem,
  type MemOptions,
  mux,
  reg,
  type Sig,
  uint,
  when,
} from "../index.js";

type Byte = Sig<"u", 8>;
/** A module with the default domain and `mem`: `a` is a register of the default domain, `m` one of `mem`. */
const two = (body: (s: { a: Byte; m: Byte; x: Byte; y: Byte }) => Sig<"u", number>): string =>
  messageOf(() =>
    elaborate(
      defineModule(
        "two",
        { in: { x: uint(8), y: uint(8) }, out: { q: uint(8) }, clocks: ["mem"] },
        ({ x, y }) => {
          const a = reg("a", uint(8));
          const m = reg("m", uint(8), { domain: "mem" });
          a.set(a.addMod(1));
          m.set(m.addMod(1));
          return { q: body({ a, m, x, y }).extend(8) };
        },
      ),
    ),
  );
/** A register that takes a value in a domain. */
const taking = (name: string, value: Byte, domain: string): Byte => {
  const r = reg(name, uint(8), { domain });
  r.set(value);
  return r;
};
const HINT = 'bring it over with crossing(value, "mem") or an asynchronous FIFO';

describe("checkDomains", () => {
  it("a register that takes a value of another domain", () => {
    assert.equal(
      two(({ a }) => taking("q", a.addMod(3), "mem")),
      [
        `F:L:C: register 'q' of domain 'mem' in module 'two' takes a value of the default domain; ${HINT}`,
        "    F:L:C: register 'a' is of the default domain",
      ].join("\n"),
    );
    assert.equal(
      two(({ m }) => taking("q", m, "mem")),
      "no error",
    );
  });

  it("logic where two domains meet, once, whoever reads it", () => {
    assert.equal(
      two(({ a, m }) => {
        const both = a.and(m).as("both");
        taking("r", both.not(), "mem");
        return both.addMod(1);
      }),
      [
        "F:L:C: 'both' in module 'two' combines values of the default domain and domain 'mem'; bring one over with crossing(value, domain)",
        "    F:L:C: register 'a' is of the default domain",
        "    F:L:C: register 'm' is of domain 'mem'",
      ].join("\n"),
    );
  });

  it("the guard of a register", () =>
    assert.match(
      two(({ a, m }) => {
        const q = reg("q", uint(8), { domain: "mem" });
        when(a.bit(0), () => q.set(m));
        return q;
      }),
      /^F:L:C: register 'q' of domain 'mem' in module 'two' takes a value of the default domain/,
    ));

  it("logic without a name", () =>
    assert.match(
      two(({ a, m }) => mux(a.bit(0), m, 0)),
      /^F:L:C: an unnamed mux in module 'two' combines values of the default domain and domain 'mem'/,
    ));

  it("an input used in two domains", () =>
    assert.equal(
      two(({ x }) => {
        taking("p", x, "");
        return taking("q", x.not(), "mem");
      }),
      [
        `F:L:C: register 'q' of domain 'mem' in module 'two' takes a value of the default domain; ${HINT}`,
        "    F:L:C: input 'x' is of the default domain: register 'p' takes it",
      ].join("\n"),
    ));

  it("two inputs that meet share a clock", () =>
    assert.equal(
      two(({ x, y, a }) => {
        taking("q", x.xor(y), "mem");
        return y.or(a);
      }),
      [
        `F:L:C: register 'q' of domain 'mem' in module 'two' takes a value of the default domain; ${HINT}`,
        "    F:L:C: input 'x' is of the default domain: an unnamed or combines it with 'a'",
      ].join("\n"),
    ));

  it("a synchroniser is the way", () => {
    const over = (o?: CrossingOptions): string => two(({ a }) => taking("q", crossing(a, "mem", o), "mem"));
    assert.equal(over({ kind: "gray" }), "no error");
    assert.equal(over({ kind: "static", stages: 3 }), "no error");
    assert.equal(
      over(),
      [
        `F:L:C: crossing of 'a': its 8 bits may arrive at different edges; say kind: "gray" when one bit changes at a time, "static" when it is held, or use an asynchronous FIFO`,
        "    F:L:C: declared here",
      ].join("\n"),
    );
    assert.equal(
      over({ kind: "gray", stages: 1 }),
      "F:L:C: a crossing has at least 2 stages; this one of 'a' has 1",
    );
    assert.equal(
      over({ kind: "gray", reset: 256 }),
      "F:L:C: reset value 256 of crossing 'a' does not fit uint(8)",
    );
    assert.equal(
      two(({ a }) => crossing(a.bit(3), "mem")),
      "no error",
    );
    // It arrives in `mem`, not in the default domain.
    assert.match(
      two(({ a }) => taking("q", crossing(a, "mem", { kind: "gray" }), "")),
      /register 'q' of the default domain in module 'two' takes a value of domain 'mem'/,
    );
  });

  it("marks the registers of a synchroniser", () => {
    const def = defineModule("sync", { in: { d: bool }, out: { q: bool }, clocks: ["mem"] }, ({ d }) => ({
      q: crossing(d, "mem", { stages: 3, reset: 1 }),
    }));
    const regs = elaborate(def)
      .modules.get("sync")!
      .nodes.flatMap((n) =>
        n.op === "reg" ? [{ name: n.name, crossing: n.crossing, async: n.asyncReg, reset: n.reset }] : [],
      );
    assert.deepEqual(regs, [
      { name: "d_sync1", crossing: "bit", async: true, reset: 1n },
      { name: "d_sync2", crossing: undefined, async: true, reset: 1n },
      { name: "d_sync3", crossing: undefined, async: true, reset: 1n },
    ]);
  });

  it("logic before a synchroniser", () => {
    assert.equal(
      two(({ a }) => crossing(a.eq(3).as("is_three"), "mem")),
      [
        "F:L:C: crossing 'is_three_sync1' in module 'two' takes 'is_three', which is logic and may glitch; put a register of its own domain before it",
        "    F:L:C: made here",
      ].join("\n"),
    );
    assert.equal(
      two(({ a }) => crossing(a.bit(3).not(), "mem")),
      "no error",
    );
    assert.equal(
      two(({ a }) => crossing(a.addMod(1), "mem", { kind: "static" })),
      "no error",
    );
  });

  describe("memories", () => {
    const ram = (
      o: MemOptions,
      use: (m: Mem<ReturnType<typeof uint>>, s: { a: Byte; m: Byte }) => void,
    ): string =>
      two(({ a, m }) => {
        const words = new Mem("words", uint(8), 4, o);
        use(words, { a, m });
        return a;
      });
    it("with two clocks are a crossing, when nobody relies on the order", () => {
      const both = (readDuringWrite: "old" | "undefined"): string =>
        ram({ readDuringWrite }, (words, { a, m }) => {
          words.write(a.bit(0), a.wrap(2), a);
          words.read(m.wrap(2), m.bit(7), { domain: "mem" });
        });
      assert.equal(both("undefined"), "no error");
      assert.equal(
        both("old"),
        `F:L:C: memory 'words' of module 'two' has ports of the default domain and domain 'mem'; between clocks no read sees a write of the same moment as "old": declare readDuringWrite: "undefined"`,
      );
    });
    it("take addresses and data of their port's domain", () => {
      const text = ram({ readDuringWrite: "undefined" }, (words, { a, m }) => {
        words.write(a.bit(0), a.wrap(2), m);
        words.read(a.wrap(2), undefined, { domain: "mem" });
      });
      assert.match(
        text,
        /a write of memory 'words' of the default domain in module 'two' takes a value of domain 'mem'/,
      );
      assert.match(
        text,
        /a read of memory 'words' of domain 'mem' in module 'two' takes a value of the default domain/,
      );
    });
    it("read without a clock follow the write", () =>
      assert.equal(
        two(({ a, m }) => {
          const words = new Mem("words", uint(8), 4);
          words.write(a.bit(0), a.wrap(2), a);
          return taking("q", words.readAsync(m.wrap(2)), "mem");
        }),
        [
          "F:L:C: 'words_at' in module 'two' combines values of domain 'mem' and the default domain; bring one over with crossing(value, domain)",
          "    F:L:C: register 'm' is of domain 'mem'",
          "    F:L:C: memory 'words' is of the default domain",
        ].join("\n"),
      ));
  });

  it("assertions", () => {
    const said = (domain?: string): string =>
      two(({ m }) => {
        assertAlways("m_small", m.lt(9), "m is small", domain === undefined ? {} : { domain });
        return m;
      });
    assert.equal(said("mem"), "no error");
    assert.match(
      said(),
      /assert 'm_small' of the default domain in module 'two' takes a value of domain 'mem'/,
    );
  });

  describe("instances", () => {
    const hold = defineModule("hold", { in: { d: uint(8) }, out: { q: uint(8) } }, ({ d }) => ({
      q: taking("held", d, ""),
    }));
    const pass = defineModule(
      "pass",
      { in: { p: uint(8), q: uint(8) }, out: { r: uint(8), one: uint(8) } },
      ({ p, q }) => ({
        r: p.xor(q),
        one: 1,
      }),
    );

    it("an input of the wrong domain, with the place inside", () =>
      assert.equal(
        two(({ m }) => hold.inst("u_hold", { d: m }).q),
        [
          "F:L:C: input 'd' of instance 'u_hold' in module 'two' is of the default domain, its value of domain 'mem'; " +
            'bring it over with crossing(value, "") or an asynchronous FIFO',
          "    F:L:C: register 'm' is of domain 'mem'",
          "    F:L:C: in 'hold': register 'held' takes it",
        ].join("\n"),
      ));
    it("an output of another domain", () =>
      assert.equal(
        two(({ a }) => taking("q", hold.inst("u_hold", { d: a }).q, "mem")),
        [
          `F:L:C: register 'q' of domain 'mem' in module 'two' takes a value of the default domain; ${HINT}`,
          "    F:L:C: output 'q' of instance 'u_hold' is of the default domain",
        ].join("\n"),
      ));
    it("clocked by another domain of the parent", () => {
      const inMem = (input: "a" | "m"): string =>
        two((s) => taking("q", hold.inst("u_hold", { d: s[input] }, { clocks: { "": "mem" } }).q, "mem"));
      assert.equal(inMem("m"), "no error");
      assert.match(inMem("a"), /input 'd' of instance 'u_hold' in module 'two' is of domain 'mem'/);
    });
    it("without a clock have that of their inputs", () => {
      assert.equal(
        two(({ m, a }) => {
          taking("p", pass.inst("u_a", { p: a, q: 1 }).r, "");
          const { r, one } = pass.inst("u_m", { p: m, q: m });
          taking("c", one, "");
          return taking("q", r, "mem");
        }),
        "no error",
      );
      assert.equal(
        two(({ m, a }) => pass.inst("u_pass", { p: a, q: m }).r),
        [
          "F:L:C: input 'q' of instance 'u_pass' in module 'two' is of the default domain, its value of domain 'mem'; " +
            'bring it over with crossing(value, "") or an asynchronous FIFO',
          "    F:L:C: register 'm' is of domain 'mem'",
          "    F:L:C: it shares its clock: input 'p' of instance 'u_pass' is 'a'",
        ].join("\n"),
      );
    });
    it("two levels down, and to an input of the parent", () => {
      const outer = defineModule("outer", { in: { x: uint(8) }, out: { y: uint(8) } }, ({ x }) => ({
        y: hold.inst("u_inner", { d: pass.inst("u_pass", { p: x, q: 0 }).r }).q,
      }));
      assert.equal(
        two(({ x }) => {
          taking("q", x, "mem");
          return outer.inst("u_outer", { x }).y;
        }),
        [
          "F:L:C: input 'x' of instance 'u_outer' in module 'two' is of the default domain, its value of domain 'mem'; " +
            'bring it over with crossing(value, "") or an asynchronous FIFO',
          "    F:L:C: input 'x' is of domain 'mem': register 'q' takes it",
          "    F:L:C: in 'outer': input 'd' of instance 'u_inner' takes it",
        ].join("\n"),
      );
    });
    it("of black boxes", () => {
      const box = (clock?: string) =>
        blackbox({
          name: "BOX",
          in: { d: uint(8) },
          out: { q: uint(8) },
          ...(clock === undefined ? {} : { clock }),
          model: {
            create: () => null,
            outputs: () => ({ q: 0n }),
            edge: () => null,
            combinational: true,
          },
        });
      assert.equal(
        two(({ m }) => taking("q", box().inst("u_box", { d: m }).q, "mem")),
        "no error",
      );
      assert.match(
        two(({ m }) => box("CLK").inst("u_box", { d: m }).q),
        /input 'd' of instance 'u_box' in module 'two' is of the default domain/,
      );
    });
  });
});
