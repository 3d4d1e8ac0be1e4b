/** Random operators: every kind of combinational node. */
import type { BinaryFn, NodeId, UnaryFn } from "../hdl/ir.js";
import type { Netlist } from "./randomnetlist.js";

const UNARY: readonly UnaryFn[] = ["not", "neg", "andr", "orr", "xorr"];
const BINARY: readonly BinaryFn[] = [
  "add",
  "sub",
  "and",
  "or",
  "xor",
  "mul",
  "eq",
  "ne",
  "lt",
  "le",
  "shl",
  "shr",
];

type Signedness = "u" | "s";

const unary = (n: Netlist): void => {
  const { random } = n;
  const fn = random.pick(UNARY);
  const a = n.operand();
  n.add({ op: "unary", fn, width: fn === "not" || fn === "neg" ? n.widthOf(a) : 1, a }, [a]);
};

const mux = (n: Netlist): void => {
  const [sel, t] = [n.operand(1), n.operand()];
  const f = n.operand(n.widthOf(t));
  n.add({ op: "mux", width: n.widthOf(t), sel, t, f }, [sel, t, f]);
};

const select = (n: Netlist): void => {
  const { random } = n;
  const index = n.operand(random.oneIn(6) ? n.width() : 1 + random.below(4));
  const width = n.width();
  const matches = new Set(Array.from({ length: random.below(9) }, () => random.bits(n.widthOf(index))));
  const constant = random.oneIn(4);
  const value = (): NodeId => (constant ? n.constant(width) : n.operand(width));
  const cases = [...matches].map((match) => ({ match, value: value() }));
  const other = value();
  n.add({ op: "select", width, index, cases, other }, [index, other, ...cases.map((c) => c.value)]);
};

const slice = (n: Netlist): void => {
  const { random } = n;
  const a = n.operand();
  const width = 1 + random.below(n.widthOf(a));
  n.add({ op: "slice", width, a, lo: random.below(n.widthOf(a) - width + 1) }, [a]);
};

const cat = (n: Netlist): void => {
  const { random } = n;
  const parts = Array.from({ length: 1 + random.below(4) }, () => n.operand());
  const width = parts.reduce((sum, p) => sum + n.widthOf(p), 0);
  if (width <= n.options.maxWidth) n.add({ op: "cat", width, parts }, parts);
};

const extend = (n: Netlist, signedness: Signedness): void => {
  const { random } = n;
  const a = n.operand();
  const from = n.widthOf(a);
  n.add({ op: "extend", width: from + random.below(n.options.maxWidth - from + 1), signedness, a }, [a]);
};

const binary = (n: Netlist, fn: BinaryFn, signedness: Signedness): void => {
  const { random } = n;
  const a = n.operand();
  const wa = n.widthOf(a);
  switch (fn) {
    case "mul": {
      const b = n.operand();
      const width = Math.min(n.options.maxWidth, 1 + random.below(wa + n.widthOf(b)));
      n.add({ op: "binary", fn, signedness, width, a, b }, [a, b]);
      return;
    }
    case "shl":
    case "shr": {
      // Mostly counts around the width: with wide counts nearly everything is shifted out.
      const b = n.operand(
        random.oneIn(5)
          ? Math.min(n.width(), n.options.defined ? 31 : Infinity)
          : 1 + random.below(Math.ceil(Math.log2(wa + 1)) + 1),
      );
      n.add({ op: "binary", fn, signedness, width: wa, a, b }, [a, b]);
      return;
    }
    default: {
      const b = n.operand(wa);
      const compares = fn === "eq" || fn === "ne" || fn === "lt" || fn === "le";
      n.add({ op: "binary", fn, signedness, width: compares ? 1 : wa, a, b }, [a, b]);
    }
  }
};

/** One operator, of any kind; the binary ones are the most. */
export const addOperator = (n: Netlist): void => {
  const signedness = n.random.bool() ? "s" : "u";
  switch (n.random.below(10)) {
    case 0:
      return unary(n);
    case 1:
      return mux(n);
    case 2:
      return select(n);
    case 3:
      return slice(n);
    case 4:
      return cat(n);
    case 5:
      return extend(n, signedness);
    default:
      return binary(n, n.random.pick(BINARY), signedness);
  }
};
