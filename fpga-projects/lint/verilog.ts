/** The outermost module of a project as its Verilog declares it: ports and the attributes before them. */
import type { Finding } from "./finding.js";
import { filesUnder, isChip, type Project, textOf } from "./project.js";

export interface Port {
  readonly name: string;
  readonly direction: "input" | "output" | "inout";
  readonly width: number;
  readonly line: number;
  /** By name: X_INTERFACE_INFO ... */
  readonly attributes: ReadonlyMap<string, string>;
}
export interface Top {
  readonly name: string;
  readonly file: string;
  readonly ports: readonly Port[];
}

const ATTRIBUTE = /\(\*\s*(\w+)\s*=\s*"([^"]*)"\s*\*\)/g;
const PORT = /^\s*(input|output|inout)\s+(?:wire\s+|reg\s+)?(?:signed\s+)?(?:\[(\d+):0\]\s*)?(\w+)\s*,?\s*$/;

/** The exporter writes a port a line, its attributes above it; a header of another shape gives no ports. */
const portsOf = (text: string, name: string): Port[] => {
  const ports: Port[] = [];
  let attributes = new Map<string, string>();
  let inside = false;
  for (const [i, whole] of text.split("\n").entries()) {
    const line = whole.replace(/\/\/.*/, "");
    if (!inside) {
      inside = new RegExp(`^\\s*module\\s+${name}\\b`).test(line);
      continue;
    }
    if (/^\s*\);/.test(line)) break;
    for (const [, key, value] of line.matchAll(ATTRIBUTE)) attributes.set(key!, value!);
    const port = PORT.exec(line.replace(ATTRIBUTE, ""));
    if (port === null) continue;
    const [, direction, high, portName] = port;
    ports.push({
      name: portName!,
      direction: direction as Port["direction"],
      width: high === undefined ? 1 : Number(high) + 1,
      line: i + 1,
      attributes,
    });
    attributes = new Map();
  }
  return ports;
};

/** The module of boards whose fabric owns the pins; elsewhere it has the project's name. */
const CHIP_TOP = "top";

/** Undefined when no source declares it. */
export const topOf = (project: Project): Top | undefined => {
  const name = isChip(project) ? CHIP_TOP : project.manifest.name;
  for (const file of filesUnder(project, "rtl/", ".v")) {
    const text = textOf(project, file)!;
    if (new RegExp(`^\\s*module\\s+${name}\\b`, "m").test(text))
      return { name, file, ports: portsOf(text, name) };
  }
  return undefined;
};

export interface BusPort extends Port {
  /** In the bus definition: ARADDR, CLK ... */
  readonly logical: string;
}
export interface Bus {
  readonly name: string;
  /** `xilinx.com:interface:aximm:1.0` ... */
  readonly definition: string;
  readonly ports: readonly BusPort[];
  /** Of X_INTERFACE_PARAMETER: ASSOCIATED_BUSIF, POLARITY ... */
  readonly parameters: ReadonlyMap<string, string>;
  /** X_INTERFACE_MODE, where one of the ports has it. */
  readonly mode: string | undefined;
}

const INFO = /^(\S+) (\S+) (\S+)$/;

/** Interfaces by the attributes of their ports. */
export const busesOf = ({ ports }: Top): Bus[] => {
  const found = new Map<string, { definition: string; ports: BusPort[] }>();
  for (const port of ports) {
    const info = INFO.exec(port.attributes.get("X_INTERFACE_INFO") ?? "");
    if (info === null) continue;
    const [, definition, name, logical] = info;
    const bus = found.get(name!) ?? { definition: definition!, ports: [] };
    bus.ports.push({ ...port, logical: logical! });
    found.set(name!, bus);
  }
  return [...found].map(([name, { definition, ports: all }]) => {
    const of = (attribute: string): string | undefined =>
      all.map((p) => p.attributes.get(attribute)).find((v) => v !== undefined);
    const parameters = (of("X_INTERFACE_PARAMETER") ?? "").split(",").map((p) => p.trim().split(/\s+/));
    return {
      ...{ name, definition, ports: all, mode: of("X_INTERFACE_MODE") },
      parameters: new Map(parameters.filter((p) => p.length === 2).map(([k, v]) => [k!, v!])),
    };
  });
};

export const AXI = "xilinx.com:interface:aximm:1.0";
export const isMaster = ({ name, definition }: Bus): boolean => definition === AXI && name.startsWith("m_");
export const isSlave = ({ name, definition }: Bus): boolean => definition === AXI && name.startsWith("s_");

/** What a rule says when there is no outermost module to look at. */
export const noTop = (rule: number, project: Project): Finding => ({
  rule,
  file: "rtl",
  text: `no source declares the module ${project.manifest.name}`,
  remedy: "export the project anew",
});
