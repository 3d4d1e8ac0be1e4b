/**
 * How one program uses the graph: which nodes live in a local and which are emitted where they are used. A node used
 * once is written in place; one used again, or too deep, or that a rule pushes twice, gets a local.
 */
import { type FlatGraph, type FlatId, type FlatNode, forOperands } from "../graph.js";
import type { Model } from "./model.js";
import { classOf, isClean, isWide, limbsOf } from "./range.js";
import { isLimbwise } from "./wide.js";
import { isDenseSelect } from "./select.js";

/** Where the value of a node is when somebody wants it. */
export type Place = "state" | "inline" | "local";

const MAX_DEPTH = 48;

/** What an action uses: `once` are pushed at most one time, `often` may be pushed again and again. */
export interface Needs {
  readonly once: readonly FlatId[];
  readonly often: readonly FlatId[];
}

/** State nodes lie in linear memory; black boxes with a path from input to output are computed like logic. */
export function isState(graph: FlatGraph, node: FlatNode): boolean {
  switch (node.op) {
    case "input":
    case "reg":
    case "read":
      return true;
    case "box":
      return !graph.boxes[node.box]!.box.model.combinational;
    default:
      return false;
  }
}

export class Uses {
  private readonly count: Int32Array;
  private readonly often: Uint8Array;
  private readonly places: Place[];
  /** Live nodes with a local, operands first. */
  readonly locals: FlatId[] = [];
  private readonly leaves = new Map<FlatId, readonly FlatId[]>();

  constructor(
    private readonly model: Model,
    needs: readonly Needs[],
  ) {
    const { nodes, boxes } = model.graph;
    this.count = new Int32Array(nodes.length);
    this.often = new Uint8Array(nodes.length);
    this.places = new Array<Place>(nodes.length).fill("inline");
    const live = new Uint8Array(nodes.length);
    const use = (id: FlatId, once: boolean): void => {
      const base = this.base(id);
      this.count[base]!++;
      if (!once) this.often[base] = 1;
      live[base] = 1;
    };
    for (const n of needs) {
      for (const id of n.once) use(id, true);
      for (const id of n.often) use(id, false);
    }
    for (let id = nodes.length - 1; id >= 0; id--) {
      if (live[id] === 0) continue;
      const node = nodes[id]!;
      forOperands(node, boxes, (o) => use(o, this.pushesOnce(node, o)));
    }
    const depth = new Int32Array(nodes.length);
    for (let id = 0; id < nodes.length; id++) {
      const node = nodes[id]!;
      if (isState(model.graph, node)) this.places[id] = "state";
      if (this.places[id] === "state" || node.op === "const") continue;
      let deepest = 0;
      forOperands(node, boxes, (o) => {
        deepest = Math.max(deepest, depth[o]!);
      });
      if (live[id] === 1 && (this.needsLocal(id, node) || deepest >= MAX_DEPTH)) {
        this.places[id] = "local";
        this.locals.push(id);
      } else depth[id] = deepest + 1;
    }
  }

  place(id: FlatId): Place {
    return this.places[id]!;
  }

  /** The value is pushed more than once, so a load is worth keeping. */
  isShared(id: FlatId): boolean {
    return this.count[id]! > 1 || this.often[id] === 1;
  }

  /** The locals and state that are read where this node is emitted, through the nodes written in place. */
  leavesOf(id: FlatId): readonly FlatId[] {
    const known = this.leaves.get(id);
    if (known !== undefined) return known;
    const found = new Set<FlatId>();
    forOperands(this.model.graph.nodes[id]!, this.model.graph.boxes, (o) => this.collect(o, found));
    const result = [...found];
    this.leaves.set(id, result);
    return result;
  }

  /** The leaves of some operands, themselves included where they are leaves. */
  leavesOfAll(ids: Iterable<FlatId>): FlatId[] {
    const found = new Set<FlatId>();
    for (const id of ids) this.collect(id, found);
    return [...found];
  }

  private collect(id: FlatId, found: Set<FlatId>): void {
    if (this.places[id] !== "inline") found.add(id);
    else forOperands(this.model.graph.nodes[id]!, this.model.graph.boxes, (o) => this.collect(o, found));
  }

  /** Nodes whose word is the operand's word: their uses are the operand's uses. */
  private base(id: FlatId): FlatId {
    const { nodes } = this.model.graph;
    for (let at = id; ; ) {
      const n = nodes[at]!;
      if (n.op !== "extend" && (n.op !== "slice" || n.lo !== 0)) return at;
      const inner = nodes[n.a]!;
      if (isWide(n.width) || isWide(inner.width)) return at;
      const cls = classOf(inner.width);
      if (classOf(n.width) !== cls) return at;
      if (
        n.op === "extend" &&
        inner.op !== "const" &&
        !isClean(this.model.ranges[n.a]!, inner.width, n.signedness, cls)
      )
        return at;
      at = n.a;
    }
  }

  private needsLocal(id: FlatId, node: FlatNode): boolean {
    if (this.base(id) !== id) return false;
    if (this.isShared(id) || node.op === "box") return true;
    return (
      isWide(node.width) &&
      node.op !== "input" &&
      node.op !== "reg" &&
      node.op !== "read" &&
      !isLimbwise(node)
    );
  }

  /** Whether the rule for `node` pushes this operand (of a wide one: each limb) at most once. */
  private pushesOnce(node: FlatNode, operand: FlatId): boolean {
    const { nodes } = this.model.graph;
    const wideOperand = isWide(nodes[operand]!.width);
    switch (node.op) {
      case "box":
        return false;
      case "unary":
        return node.fn !== "neg" || !isWide(node.width);
      case "binary":
        if (
          node.fn === "and" ||
          node.fn === "or" ||
          node.fn === "xor" ||
          node.fn === "eq" ||
          node.fn === "ne"
        )
          return true;
        return !isWide(node.width) && !wideOperand;
      case "mux":
        return !isWide(node.width) || wideOperand;
      case "select":
        if (isWide(node.width) || operand === node.index) return false;
        return operand !== node.other || !isDenseSelect(node, nodes[node.index]!.width);
      case "slice":
        return (
          !wideOperand || (node.lo & 63) === 0 || (!isWide(node.width) && (node.lo & 63) + node.width <= 64)
        );
      case "cat":
        return !isWide(node.width);
      case "extend":
        return !isWide(node.width) || (wideOperand && node.signedness === "u");
      default:
        return true;
    }
  }

  /** A rough count of instructions. */
  costOf(id: FlatId): number {
    const node = this.model.graph.nodes[id]!;
    let cost = isWide(node.width) ? 3 * limbsOf(node.width) : 1;
    forOperands(node, this.model.graph.boxes, (o) => {
      if (this.places[o] === "inline") cost += this.costOf(o);
    });
    return cost;
  }
}
