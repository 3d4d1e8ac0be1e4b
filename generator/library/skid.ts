/** A skid buffer: valid, payload and ready are all registered, at full rate. It cuts a long ready path. */
import { bool, defineModule, mux, reg, source, stream, uint, when } from "../hdl/index.js";

/** Module `skid_<width>`; latency one cycle. */
export const skid = (width: number) =>
  defineModule(
    `skid_${width}`,
    {
      in: { from: stream(uint(width)) },
      out: { to: stream(uint(width)) },
      doc: `Skid buffer of ${width} bits: no combinational path in either direction.`,
    },
    ({ from }) => {
      const valid = reg("valid", bool, { reset: 0 });
      const data = reg("data", uint(width));
      // what arrived in the cycle in which the consumer stopped
      const full = reg("full", bool, { reset: 0 });
      const held = reg("held", uint(width));

      const taken = from.consume(full.not()).as("taken");
      const to = source(uint(width), data, valid);
      const free = valid.not().or(to.ready).as("free");
      when(
        free,
        () => {
          valid.set(full.or(taken));
          data.set(mux(full, held, from.payload));
          full.set(0);
        },
        () =>
          when(taken, () => {
            full.set(1);
            held.set(from.payload);
          }),
      );
      return { to };
    },
  );
