/** From one clock domain to another: a row of registers in the domain of arrival, marked so that tools keep them close. */
import { fail } from "../errors.js";
import type * as ir from "../ir.js";
import { here } from "../location.js";
import { bitsOf, fits, type Kind, type Lit } from "../types.js";
import { builder } from "./builder.js";
import { Sig } from "./signal.js";

export interface CrossingOptions {
  /** Registers in a row: the first may become metastable, the others give it time to settle. */
  readonly stages?: number;
  /**
   * Why it is safe. "bit": one bit, any protocol. "gray": at most one bit changes at an edge. "static": the value does not
   * change while anybody looks at it.
   */
  readonly kind?: NonNullable<ir.Reg["crossing"]>;
  readonly reset?: Lit;
  readonly name?: string;
}

/** `x` as domain `to` sees it, `stages` of its edges later; "" is the default domain. */
export const crossing = <K extends Kind, W extends number>(
  x: Sig<K, W>,
  to: string,
  o: CrossingOptions = {},
): Sig<K, W> => {
  const b = builder();
  const { stages = 2, kind = "bit", reset } = o;
  const source = x.node;
  const name = o.name ?? source.name ?? "value";
  if (!Number.isInteger(stages) || stages < 2)
    fail(`a crossing has at least 2 stages; this one of '${name}' has ${stages}`);
  if (reset !== undefined && !fits(x.ty, BigInt(reset)))
    fail(`reset value ${reset} of crossing '${name}' does not fit ${x.ty}`);
  if (x.width > 1 && kind === "bit")
    b.error(
      `crossing of '${name}': its ${x.width} bits may arrive at different edges; say kind: "gray" when one bit changes at a time, "static" when it is held, or use an asynchronous FIFO`,
      source.loc === undefined ? [] : [{ message: "declared here", loc: source.loc }],
    );
  const loc = here();
  const domain = b.domain(to);
  let value = x.id;
  for (let stage = 1; stage <= stages; stage++) {
    const reg: ir.Reg = {
      op: "reg",
      width: x.width,
      signed: x.kind === "s",
      name: `${name}_sync${stage}`,
      named: o.name !== undefined || source.named === true,
      domain,
      asyncReg: true,
      updates: [{ guard: null, value }],
      ...(stage === 1 ? { crossing: kind } : {}),
      ...(reset === undefined ? {} : { reset: bitsOf(BigInt(reset), x.width) }),
      ...(loc === undefined ? {} : { loc }),
    };
    value = b.add(reg);
  }
  return new Sig(b, value, x.kind, x.width);
};
