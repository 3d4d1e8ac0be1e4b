/** L9: interfaces have the ports of their bus definition, by its names, in its directions and widths. A schema does not see this. */
import { READ, type Signal, WRITE } from "../axi.js";
import { type ElaboratedPort, portsByYosys } from "../elaborated.js";
import { checked, type Finding, notApplicable, notRun, type Rule } from "../finding.js";
import { isChip } from "../project.js";
import {
  AXI,
  type Bus,
  busesOf,
  type BusPort,
  isMaster,
  isSlave,
  noTop,
  type Top,
  topOf,
} from "../verilog.js";

/** Definitions with one signal, and who drives it. */
const SINGLE: ReadonlyMap<string, readonly [logical: string, direction: BusPort["direction"]]> = new Map([
  ["xilinx.com:signal:clock:1.0", ["CLK", "input"]],
  ["xilinx.com:signal:reset:1.0", ["RST", "input"]],
  ["xilinx.com:signal:interrupt:1.0", ["INTERRUPT", "output"]],
]);

const axi = ({ file }: Top, bus: Bus): Finding[] => {
  const findings: Finding[] = [];
  const say = (text: string, remedy: string, port?: BusPort): void => {
    findings.push({
      rule: 9,
      file,
      ...(port === undefined ? {} : { line: port.line }),
      text: `${bus.name}: ${text}`,
      remedy,
    });
  };
  const known = new Map([...READ, ...WRITE]);
  const has = new Map(bus.ports.map((p) => [p.logical, p]));
  const widthOf = (...logical: readonly string[]): number | undefined =>
    logical.map((l) => has.get(l)?.width).find((w) => w !== undefined);
  const data = widthOf("RDATA", "WDATA");
  const wanted = ({ width }: Signal): number | undefined => {
    switch (width) {
      case "address":
        return widthOf("ARADDR", "AWADDR");
      case "data":
        return data;
      case "strobe":
        return data === undefined ? undefined : data / 8;
      case "any":
        return undefined;
      default:
        return width;
    }
  };
  for (const port of bus.ports) {
    const signal = known.get(port.logical);
    if (signal === undefined) {
      say(`${port.logical} is no signal of AXI`, "see AXI's names", port);
      continue;
    }
    if (port.name !== `${bus.name}_${port.logical.toLowerCase()}`)
      say(`port ${port.name} is called ${port.logical}`, "name the port by its signal", port);
    const direction = (signal.from === "master") === isMaster(bus) ? "output" : "input";
    if (port.direction !== direction) say(`${port.name} is no ${direction}`, `make it an ${direction}`, port);
    const width = wanted(signal);
    if (width !== undefined && port.width !== width)
      say(`${port.name} has ${port.width} bits, not ${width}`, "make the widths of a port agree", port);
  }
  const bursts = [...known].some(([name, s]) => s.bursts && !s.optional && has.has(name));
  for (const group of [READ, WRITE]) {
    if (![...group.keys()].some((name) => has.has(name))) {
      say(
        `has no ${group === READ ? "read" : "write"} channels at all`,
        "tie them off in the outermost module",
      );
      continue;
    }
    for (const [name, { optional, bursts: full }] of group)
      if (!optional && (!full || bursts) && !has.has(name))
        say(`${name} is missing`, "declare it: the packager refuses the interface (IP_Flow 19-3252)");
  }
  if (new Set(bus.ports.map((p) => p.logical)).size < bus.ports.length)
    say("a signal has two ports", "each signal once");
  return findings;
};

const single = ({ file }: Top, bus: Bus): Finding[] => {
  const definition = SINGLE.get(bus.definition);
  const [port] = bus.ports;
  const at = { rule: 9, file, line: port!.line };
  if (definition === undefined)
    return [
      {
        ...at,
        text: `${bus.name}: ${bus.definition} is no definition that is known here`,
        remedy: "see UG994",
      },
    ];
  const [logical, direction] = definition;
  return bus.ports.length === 1 &&
    port!.logical === logical &&
    port!.direction === direction &&
    port!.width === 1
    ? []
    : [{ ...at, text: `${bus.name}: is not one ${direction} ${logical}`, remedy: "see UG994" }];
};

/** Physical ports: the text that the other rules read says the same as Yosys. */
const physical = (top: Top, elaborated: readonly ElaboratedPort[]): Finding[] => {
  const say = (text: string, line?: number): Finding => ({
    ...{ rule: 9, file: top.file, text },
    ...(line === undefined ? {} : { line }),
    remedy: "one port a line, its attributes above it, as the exporter writes them",
  });
  const read = new Map(top.ports.map((p) => [p.name, p]));
  return [
    ...elaborated.flatMap(({ name, direction, width }): Finding[] => {
      const port = read.get(name);
      if (port === undefined) return [say(`port ${name} is declared where nobody finds it`)];
      if (port.direction === direction && port.width === width) return [];
      return [say(`port ${name} is an ${direction} of ${width} bits to Yosys`, port.line)];
    }),
    ...top.ports
      .filter(({ name }) => !elaborated.some((p) => p.name === name))
      .map(({ name, line }) => say(`port ${name} is no port to Yosys`, line)),
  ];
};

export const l09: Rule = {
  number: 9,
  title: "interfaces: names, directions, widths of the bus definition",
  check: async (project) => {
    if (isChip(project)) return notApplicable("the top level has pins, no interfaces");
    const top = topOf(project);
    if (top === undefined) return checked([noTop(9, project)]);
    const findings = busesOf(top).flatMap((bus) =>
      bus.definition === AXI && (isMaster(bus) || isSlave(bus)) ? axi(top, bus) : single(top, bus),
    );
    const elaborated = await portsByYosys(project, top);
    if (elaborated === null)
      return findings.length > 0 ? checked(findings) : notRun("yosys is missing; the text agrees");
    if (typeof elaborated === "string")
      findings.push({ rule: 9, file: top.file, text: `yosys: ${elaborated}`, remedy: "see rule 16" });
    else findings.push(...physical(top, elaborated));
    return checked(findings);
  },
};
