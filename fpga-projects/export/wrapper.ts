/** The wrapper that names the bus interfaces: attributes of every port, as Vivado's own stubs carry them. */
import type * as ir from "../../generator/hdl/ir.js";
import { type WrapperPort, wrapper } from "../../rtl-templates/axi/wrapper.js";
import { type BusInterface, type BusKind, CLOCK, interfacesOf, RESET } from "./interfaces.js";

const DEFINITION: Readonly<Record<BusKind, string>> = {
  aximm: "xilinx.com:interface:aximm:1.0",
  clock: "xilinx.com:signal:clock:1.0",
  reset: "xilinx.com:signal:reset:1.0",
  interrupt: "xilinx.com:signal:interrupt:1.0",
};

/** No FREQ_HZ: a frequency here that differs from the block design's fails its validation (BD 41-237). */
const parameter = ({ name, kind }: BusInterface, all: readonly BusInterface[]): string => {
  switch (kind) {
    case "clock": {
      const busses = all.filter((i) => i.kind === "aximm").map((i) => i.name);
      return `XIL_INTERFACENAME ${CLOCK}, ASSOCIATED_BUSIF ${busses.join(":")}, ASSOCIATED_RESET ${RESET}`;
    }
    case "reset":
      return `XIL_INTERFACENAME ${RESET}, POLARITY ACTIVE_LOW`;
    case "interrupt":
      return `XIL_INTERFACENAME ${name}, SENSITIVITY LEVEL_HIGH`;
    case "aximm":
      return `XIL_INTERFACENAME ${name}`;
  }
};

/** How the core sees a port of the wrapper: its reset is active high. */
const inner = (port: string, { clock, reset }: ir.Domain): { inner: string; value: string } => {
  if (port === CLOCK) return { inner: clock, value: port };
  if (port === RESET) return { inner: reset!, value: `~${port}` };
  return { inner: port, value: port };
};

export const wrapperPorts = (interfaces: readonly BusInterface[], domain: ir.Domain): WrapperPort[] =>
  interfaces.flatMap((bus) =>
    bus.ports.map(({ port, logical, direction, width }, i) => ({
      ...inner(port, domain),
      port,
      direction,
      width,
      info: `${DEFINITION[bus.kind]} ${bus.name} ${logical}`,
      parameter: i === 0 ? parameter(bus, interfaces) : "",
      mode: i === 0 ? bus.mode : "",
    })),
  );

/** Verilog of module `name` around the top level of a design. */
export const wrapperOf = (design: ir.Design, name: string, title: string): string => {
  const top = design.modules.get(design.top)!;
  return wrapper({
    title,
    name,
    core: design.top,
    ports: wrapperPorts(interfacesOf(top), top.domains[0]!),
  });
};
