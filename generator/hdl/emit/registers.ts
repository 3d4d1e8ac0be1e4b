/** Registers of one domain as `always` blocks: registers under the same conditions share one `if`. */
import type * as ir from "../ir.js";
import { type Expressions, literal } from "./expression.js";

export interface Register {
  readonly name: string;
  readonly node: ir.Reg;
  /** Comment behind its first assignment. */
  readonly where: string;
}

/** Updates that can happen, the last written first: it wins. */
const effective = (node: ir.Reg): readonly ir.Reg["updates"][number][] => {
  const chain = [...node.updates].reverse();
  const end = chain.findIndex((u) => u.guard === null);
  return end < 0 ? chain : chain.slice(0, end + 1);
};

const statements = (registers: readonly Register[], e: Expressions): string[] => {
  const groups = new Map<string, Register[]>();
  for (const r of registers) {
    const key = effective(r.node)
      .map((u) => u.guard ?? "always")
      .join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [r]);
    else group.push(r);
  }
  const out: string[] = [];
  for (const group of groups.values()) {
    const updates = group.map((r) => effective(r.node));
    const first = updates[0]!;
    for (const [i, { guard }] of first.entries()) {
      const assignments = group.map(
        (r, k) => `${r.name} <= ${e.of(updates[k]![i]!.value)};${i === 0 ? r.where : ""}`,
      );
      if (guard === null && i === 0) {
        out.push(...assignments);
        continue;
      }
      const head = `${i === 0 ? "" : "else "}${guard === null ? "" : `if (${e.of(guard)}) `}`;
      if (assignments.length === 1) out.push(`${head}${assignments[0]}`);
      else out.push(`${head}begin`, ...assignments.map((a) => `  ${a}`), "end");
    }
  }
  return out;
};

/** One block for registers without reset, one for those with it. */
export const registerBlocks = (
  domain: ir.Domain,
  registers: readonly Register[],
  e: Expressions,
): string[] => {
  const plain = registers.filter((r) => r.node.reset === undefined);
  const reset = registers.filter((r) => r.node.reset !== undefined);
  const head = `  always @(posedge ${domain.clock})`;
  const out: string[] = [];
  if (plain.length > 0) out.push(`${head} begin`, ...statements(plain, e).map((s) => `    ${s}`), "  end");
  if (reset.length > 0) {
    const next = statements(reset, e);
    out.push(
      `${head} begin`,
      `    if (${domain.reset}) begin`,
      ...reset.map((r) => `      ${r.name} <= ${literal(r.node.reset!, r.node.width)};`),
      ...(next.length === 0 ? [] : ["    end else begin", ...next.map((s) => `      ${s}`)]),
      "    end",
      "  end",
    );
  }
  return out;
};
