/**
 * The order of one cycle's work. A register is stored in place as soon as its next value is known; readers of its old
 * value come first where the order can be chosen (consumers before producers, as data flows down a pipeline), and
 * where it cannot, the old value is saved in a local before the store. What only a disabled register group needs is
 * inside that group's `if` and costs nothing while it holds.
 */
import type { FlatId } from "../graph.js";
import type { Model } from "./model.js";
import { type Needs, Uses } from "./uses.js";
import type { Emitter } from "./emitter.js";

/** Something a cycle does besides computing: stores, mostly. */
export interface Action extends Needs {
  /** State nodes whose places it changes. */
  readonly writes: readonly FlatId[];
  /**
   * Emits it. `enables` is empty inside its group's `if`; else it must do nothing visible unless one of them is 1,
   * and may read the nodes that it writes.
   */
  emit(e: Emitter, enables: readonly FlatId[]): void;
}

/** Actions that happen when one of `enables` is 1; an empty list means always. */
export interface Group {
  readonly enables: readonly FlatId[];
  readonly actions: readonly Action[];
}

export interface Plan {
  /** In order, before anything is stored. */
  readonly first: readonly Action[];
  /** In an order that suits. */
  readonly groups: readonly Group[];
  /** In order, after all others. */
  readonly last: readonly Action[];
}

export type Statement =
  | { readonly kind: "eval" | "save"; readonly id: FlatId; readonly reads: readonly FlatId[] }
  | {
      readonly kind: "action";
      readonly action: Action;
      readonly enables: readonly FlatId[];
      readonly reads: readonly FlatId[];
    }
  | { readonly kind: "if"; readonly enables: readonly FlatId[]; readonly reads: readonly FlatId[] }
  | { readonly kind: "end"; readonly reads: readonly FlatId[] };

export interface Schedule {
  readonly uses: Uses;
  readonly statements: readonly Statement[];
}

/** Below this many instructions, computing a value in vain is cheaper than a branch. */
const BRANCH_COST = 4;
/** Reads that are remembered per node for ordering; more would be slow, and order is only speed. */
const MAX_READS = 48;

const TOP = -2;

export function schedule(model: Model, plan: Plan): Schedule {
  const uses = new Uses(model, needsOf(plan));
  const groups = orderGroups(uses, plan.groups);
  const owner = owners(uses, groups, plan);
  const flattened = flattenCheap(uses, groups, owner);

  const statements: Statement[] = [];
  const done = new Uint8Array(model.graph.nodes.length);
  const isLocal = (id: FlatId): boolean => uses.place(id) === "local";
  /** Statements still to come that read a state node. */
  const remaining = new Int32Array(model.graph.nodes.length);
  const readsOfAction = (a: Action, enables: readonly FlatId[]): FlatId[] =>
    uses.leavesOfAll(
      enables.length === 0 ? [...a.once, ...a.often] : [...a.once, ...a.often, ...a.writes, ...enables],
    );
  for (const id of uses.locals) for (const leaf of uses.leavesOf(id)) remaining[leaf]!++;
  const allActions = [...plan.first, ...groups.flatMap((g) => g.actions), ...plan.last];
  for (const a of allActions)
    for (const leaf of uses.leavesOfAll([...a.once, ...a.often])) remaining[leaf]!++;
  for (const g of groups) for (const leaf of uses.leavesOfAll(g.enables)) remaining[leaf]!++;

  /** Evaluates a local and, before it, the locals it needs, as far as `wanted` goes. */
  const evaluate = (root: FlatId, into: Statement[], wanted: (id: FlatId) => boolean): void => {
    if (done[root] === 1 || !isLocal(root) || !wanted(root)) return;
    const stack: { id: FlatId; next: number }[] = [{ id: root, next: 0 }];
    done[root] = 1;
    while (stack.length > 0) {
      const frame = stack[stack.length - 1]!;
      const leaves = uses.leavesOf(frame.id);
      if (frame.next === leaves.length) {
        for (const leaf of leaves) remaining[leaf]!--;
        into.push({ kind: "eval", id: frame.id, reads: leaves });
        stack.pop();
        continue;
      }
      const leaf = leaves[frame.next++]!;
      if (done[leaf] === 1 || !isLocal(leaf) || !wanted(leaf)) continue;
      done[leaf] = 1;
      stack.push({ id: leaf, next: 0 });
    }
  };
  const always = (): boolean => true;
  /** `savesInto` is where a save may stand: outside any `if` that might not be taken. */
  const perform = (
    a: Action,
    enables: readonly FlatId[],
    into: Statement[],
    savesInto: Statement[],
  ): void => {
    for (const leaf of uses.leavesOfAll([...a.once, ...a.often])) remaining[leaf]!--;
    for (const id of a.writes) {
      if (remaining[id]! <= 0 || done[id] === 1) continue;
      done[id] = 1;
      savesInto.push({ kind: "save", id, reads: [] });
    }
    into.push({ kind: "action", action: a, enables, reads: readsOfAction(a, enables) });
  };
  const plain = (a: Action, enables: readonly FlatId[]): void => {
    for (const leaf of uses.leavesOfAll([...a.once, ...a.often, ...enables]))
      evaluate(leaf, statements, always);
    perform(a, enables, statements, statements);
  };

  for (const a of plan.first) plain(a, []);
  for (const [g, group] of groups.entries()) {
    const enableLeaves = uses.leavesOfAll(group.enables);
    const counted = (): void => {
      for (const leaf of enableLeaves) remaining[leaf]!--;
    };
    if (group.enables.length === 0 || flattened[g] === 1) {
      for (const a of group.actions) plain(a, group.enables);
      counted();
      continue;
    }
    const inside = (id: FlatId): boolean => owner[id] === g;
    for (const leaf of enableLeaves) evaluate(leaf, statements, always);
    for (const id of sharedLeaves(uses, group, inside)) evaluate(id, statements, always);
    counted();
    const body: Statement[] = [];
    for (const a of group.actions) {
      for (const leaf of uses.leavesOfAll([...a.once, ...a.often])) evaluate(leaf, body, inside);
      perform(a, [], body, statements);
    }
    statements.push({ kind: "if", enables: group.enables, reads: enableLeaves }, ...body, {
      kind: "end",
      reads: [],
    });
  }
  for (const a of plan.last)
    for (const leaf of uses.leavesOfAll([...a.once, ...a.often])) evaluate(leaf, statements, always);
  for (const a of plan.last) perform(a, [], statements, statements);
  return { uses, statements };
}

function needsOf(plan: Plan): Needs[] {
  return [
    ...plan.first,
    ...plan.last,
    ...plan.groups.flatMap((g) => [...g.actions, { once: [], often: g.enables }]),
  ];
}

/** What the inside of a group needs from outside. */
function sharedLeaves(uses: Uses, group: Group, inside: (id: FlatId) => boolean): FlatId[] {
  const shared: FlatId[] = [];
  const seen = new Set<FlatId>();
  const stack = uses.leavesOfAll(group.actions.flatMap((a) => [...a.once, ...a.often])).reverse();
  while (stack.length > 0) {
    const id = stack.pop()!;
    if (seen.has(id) || uses.place(id) !== "local") continue;
    seen.add(id);
    if (inside(id)) stack.push(...uses.leavesOf(id));
    else shared.push(id);
  }
  return shared;
}

/** The one group that uses a local, or TOP; users stand behind their operands, so one backward pass finds it. */
function owners(uses: Uses, groups: readonly Group[], plan: Plan): Int32Array {
  const size = (uses.locals[uses.locals.length - 1] ?? -1) + 1;
  const owner = new Int32Array(size).fill(-1);
  const meet = (id: FlatId, by: number): void => {
    if (uses.place(id) !== "local") return;
    owner[id] = owner[id] === -1 || owner[id] === by ? by : TOP;
  };
  for (const a of [...plan.first, ...plan.last])
    for (const leaf of uses.leavesOfAll([...a.once, ...a.often])) meet(leaf, TOP);
  for (const [g, group] of groups.entries()) {
    for (const leaf of uses.leavesOfAll(group.enables)) meet(leaf, TOP);
    const by = group.enables.length === 0 ? TOP : g;
    for (const a of group.actions)
      for (const leaf of uses.leavesOfAll([...a.once, ...a.often])) meet(leaf, by);
  }
  for (let i = uses.locals.length - 1; i >= 0; i--) {
    const id = uses.locals[i]!;
    for (const leaf of uses.leavesOf(id)) meet(leaf, owner[id]!);
  }
  return owner;
}

/** Marks conditional groups that are cheap enough to compute always. */
function flattenCheap(uses: Uses, groups: readonly Group[], owner: Int32Array): Uint8Array {
  const cost = new Int32Array(groups.length);
  for (const id of uses.locals) if (owner[id]! >= 0) cost[owner[id]!]! += uses.costOf(id);
  const flattened = new Uint8Array(groups.length);
  for (const [g, group] of groups.entries()) {
    for (const a of group.actions)
      for (const id of [...a.once, ...a.often])
        cost[g]! += 1 + (uses.place(id) === "inline" ? uses.costOf(id) : 0);
    if (group.enables.length > 0 && cost[g]! < BRANCH_COST) flattened[g] = 1;
  }
  for (const id of uses.locals) if (owner[id]! >= 0 && flattened[owner[id]!] === 1) owner[id] = TOP;
  return flattened;
}

/** Readers of a register before the group that changes it, as far as there is no cycle; the same inside groups. */
function orderGroups(uses: Uses, groups: readonly Group[]): Group[] {
  const reads = new Map<FlatId, FlatId[]>();
  const merged = (leaves: readonly FlatId[]): FlatId[] => {
    const found = new Set<FlatId>();
    for (const leaf of leaves) {
      if (uses.place(leaf) === "state") found.add(leaf);
      else for (const id of reads.get(leaf) ?? []) found.add(id);
      if (found.size >= MAX_READS) break;
    }
    return [...found];
  };
  for (const id of uses.locals) reads.set(id, merged(uses.leavesOf(id)));
  const actionReads = (a: Action): FlatId[] => merged(uses.leavesOfAll([...a.once, ...a.often]));
  const inner = groups.map((g) => ({
    enables: g.enables,
    actions: consumersFirst(g.actions, actionReads, (a) => a.writes),
  }));
  return consumersFirst(
    inner,
    (g) => [...merged(uses.leavesOfAll(g.enables)), ...g.actions.flatMap(actionReads)],
    (g) => g.actions.flatMap((a) => a.writes),
  );
}

/** Reverse post-order over "x reads what y writes: x before y". */
function consumersFirst<T>(
  items: readonly T[],
  readsOf: (item: T) => readonly FlatId[],
  writesOf: (item: T) => readonly FlatId[],
): T[] {
  if (items.length < 2) return [...items];
  const writer = new Map<FlatId, number>();
  for (const [i, item] of items.entries()) for (const id of writesOf(item)) writer.set(id, i);
  if (writer.size === 0) return [...items];
  const visited = new Uint8Array(items.length);
  const post: T[] = [];
  for (let root = 0; root < items.length; root++) {
    if (visited[root] === 1) continue;
    visited[root] = 1;
    const stack = [{ item: root, reads: readsOf(items[root]!), next: 0 }];
    while (stack.length > 0) {
      const frame = stack[stack.length - 1]!;
      const id = frame.reads[frame.next++];
      if (id === undefined) {
        post.push(items[frame.item]!);
        stack.pop();
        continue;
      }
      const target = writer.get(id);
      if (target === undefined || visited[target] === 1) continue;
      visited[target] = 1;
      stack.push({ item: target, reads: readsOf(items[target]!), next: 0 });
    }
  }
  return post.reverse();
}
