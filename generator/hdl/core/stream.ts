/** Streams: a payload with valid, and ready the other way. */
import { builder } from "./builder.js";
import { here } from "../location.js";
import type { StreamUse } from "../passes/checkDrivers.js";
import { mux, type Sig } from "./signal.js";
import { type Cut, type Stages, staged, validBehind } from "./staged.js";
import { type Of, reg, regOf, setAll, when, wire, type Wire } from "./state.js";
import { bool, type Shape } from "../types.js";

type Bool = Sig<"u", 1>;

export class Stream<S extends Shape = Shape> {
  private readonly use: StreamUse;
  constructor(
    readonly shape: S,
    readonly payload: Of<S>,
    readonly valid: Bool,
    readonly ready: Wire<"u", 1>,
    name: string,
    loc = here(),
  ) {
    this.use = { name, loc, ready: ready.id, taken: [] };
    builder().streams.push(this.use);
  }
  /** valid & ready: a transfer happens at this edge. */
  get fire(): Bool {
    return this.valid.and(this.ready) as Bool;
  }
  /** Says when this stream is taken; gives `fire`. */
  consume(ready: Bool): Bool {
    if (this.use.taken.length === 0) this.ready.drive(ready);
    this.use.taken.push(here());
    return this.fire;
  }
  map<T extends Shape>(shape: T, f: (p: Of<S>) => Of<T>): Stream<T> {
    const out = source(shape, f(this.payload), this.valid);
    this.consume(out.ready);
    return out;
  }
  filter(keep: (p: Of<S>) => Bool): Stream<S> {
    const k = keep(this.payload);
    const out = source(this.shape, this.payload, this.valid.and(k) as Bool);
    this.consume(out.ready.or(k.not()) as Bool);
    return out;
  }
  /** A pipeline: all stages move together, when the last is empty or taken. `cut` is one register; see `staged.ts`. */
  pipe<T extends Shape>(
    shape: T,
    body: (payload: Of<S>, cut: Cut, stages: Stages) => Of<T>,
    name = "pipe",
  ): Stream<T> {
    const enable = wire(`${name}_enable`, bool);
    const { result, latency } = staged(this.payload, enable, body);
    this.consume(enable);
    const valid = validBehind(this.valid, latency, enable, name);
    const out = source(shape, result, valid);
    enable.drive(latency === 0 ? out.ready : (valid.not().or(out.ready) as Bool));
    return out;
  }
  /** One register on payload and valid; ready passes through. */
  stage(name: string): Stream<S> {
    const valid = reg(`${name}_valid`, bool, { reset: 0 });
    const payload = regOf(name, this.shape);
    const out = source(this.shape, payload as never, valid);
    const load = valid.not().or(out.ready) as Bool;
    this.consume(load);
    when(load, () => {
      valid.set(this.valid);
    });
    when(load.and(this.valid) as Bool, () => setAll(payload, this.payload));
    return out;
  }
  /** Both directions registered: a second place holds what arrives in the cycle in which ready falls. */
  skid(name: string): Stream<S> {
    const full = reg(`${name}_full`, bool, { reset: 0 });
    const held = regOf(`${name}_held`, this.shape);
    const valid = reg(`${name}_valid`, bool, { reset: 0 });
    const payload = regOf(name, this.shape);
    const out = source(this.shape, payload as never, valid);
    const taken = this.consume(full.not());
    const load = valid.not().or(out.ready) as Bool;
    when(
      load,
      () => {
        valid.set(full.or(this.valid));
        setAll(payload, mux(full, held as never, this.payload as never));
        full.set(0);
      },
      () => {
        when(taken, () => {
          full.set(1);
          setAll(held, this.payload);
        });
      },
    );
    return out;
  }
}

export const source = <S extends Shape>(shape: S, payload: Of<S>, valid: Bool, name?: string): Stream<S> =>
  new Stream(
    shape,
    payload,
    valid,
    wire(name === undefined ? null : `${name}_ready`, bool),
    name ?? `stream_${builder().streams.length}`,
  );
