import { render } from "../render.js";

export interface WrapperPort {
  readonly port: string;
  readonly direction: "input" | "output";
  readonly width: number;
  /** `<definition> <interface> <logical name>`. */
  readonly info: string;
  /** Of the first port of an interface; empty for the others. */
  readonly parameter: string;
  readonly mode: string;
  /** The core's port, and what it is given. */
  readonly inner: string;
  readonly value: string;
}
export interface Wrapper {
  readonly title: string;
  readonly name: string;
  readonly core: string;
  readonly ports: readonly WrapperPort[];
}
/** A module of the core's ports with interface attributes on each. */
export const wrapper = (context: Wrapper): string =>
  render("axi/wrapper.v", {
    ...context,
    ports: context.ports.map((p, i) => ({
      ...p,
      direction: p.direction.padEnd("output".length),
      range: p.width === 1 ? "" : `[${p.width - 1}:0] `,
      comma: i + 1 < context.ports.length ? "," : "",
    })),
  });
