/** Pin files of nextpnr: .pcf for iCE40, .lpf for ECP5. */
import type { Board } from "../boards/index.js";
import type { Finding } from "./finding.js";
import { type Project, textOf } from "./project.js";

interface Line {
  readonly line: number;
  readonly text: string;
}
interface Pin extends Line {
  readonly port: string;
  readonly pin: string;
}
interface Constraints {
  readonly pins: readonly Pin[];
  /** Ports with an I/O standard; null where the format has none. */
  readonly standards: ReadonlyMap<string, string> | null;
  readonly clocks: readonly (Line & { readonly port: string; readonly MHz: number })[];
  readonly unknown: readonly Line[];
}

const LPF = {
  pin: /^LOCATE COMP "(\w+)" SITE "(\w+)";$/,
  clock: /^FREQUENCY PORT "(\w+)" ([\d.]+) MHZ;$/,
  standard: /^IOBUF PORT "(\w+)" IO_TYPE=(\w+)[\w= ]*;$/,
};
const PCF = { pin: /^set_io (\w+) (\w+)$/, clock: /^set_frequency (\w+) ([\d.]+)$/, standard: null };

const constraintsIn = (text: string, format: typeof LPF | typeof PCF): Constraints => {
  const pins: Pin[] = [];
  const standards = new Map<string, string>();
  const clocks: { line: number; text: string; port: string; MHz: number }[] = [];
  const unknown: Line[] = [];
  for (const [i, whole] of text.split("\n").entries()) {
    const at = { line: i + 1, text: whole.trim() };
    const [pin, clock, standard] = [format.pin, format.clock, format.standard].map((r) => r?.exec(at.text));
    if (at.text === "" || at.text.startsWith("#")) continue;
    if (pin) pins.push({ ...at, port: pin[1]!, pin: pin[2]! });
    else if (clock) clocks.push({ ...at, port: clock[1]!, MHz: Number(clock[2]) });
    else if (standard) standards.set(standard[1]!, standard[2]!);
    else unknown.push(at);
  }
  return { pins, standards: format.standard === null ? null : standards, clocks, unknown };
};

const FILES = ["pins.lpf", "pins.pcf"] as const;

/** Of an open project's pin file, for rule 15. `ports`: those of the top level. */
export const checkPins = (project: Project, board: Board, ports: readonly string[]): Finding[] => {
  const file = FILES.find((f) => project.files.has(f));
  if (file === undefined)
    return [{ rule: 15, file: FILES.join(" or "), text: "is missing", remedy: "build the project anew" }];
  const found = constraintsIn(textOf(project, file)!, file === "pins.lpf" ? LPF : PCF);
  const findings: Finding[] = [];
  const say = (line: number | null, text: string, remedy: string): void => {
    findings.push({ rule: 15, file, ...(line === null ? {} : { line }), text, remedy });
  };
  for (const { line, text } of found.unknown)
    say(line, `'${text}' is nothing that is known here`, "see nextpnr");
  const { flow } = board;
  const known = [...board.pins, ...(flow.kind === "open" ? (flow.flash?.pins ?? []) : [])];
  const taken = new Set<string>();
  for (const { line, port, pin } of found.pins) {
    if (!ports.includes(port)) say(line, `${port} is no port of the top level`, "name a port");
    if (taken.has(pin)) say(line, `pin ${pin} is used twice`, "a pin for each port");
    taken.add(pin);
    const wanted = known.find((p) => p.port === port);
    if (wanted !== undefined && wanted.pin !== pin)
      say(line, `${port} is on ${pin}; the board has it on ${wanted.pin}`, "see the board table");
    if (found.standards !== null && found.standards.get(port) !== wanted?.standard)
      say(
        line,
        `${port} has the standard ${found.standards.get(port) ?? "none"}, not ${wanted?.standard}`,
        "set IO_TYPE",
      );
  }
  for (const port of ports)
    if (!found.pins.some((p) => p.port === port)) say(null, `${port} has no pin`, "name one");
  const oscillator = board.oscillatorMHz.value;
  const [clock] = found.clocks;
  if (found.clocks.length !== 1 || clock!.port !== "clk" || clock!.MHz !== oscillator)
    say(
      clock?.line ?? null,
      `the clock at the pin is ${clock === undefined ? "not constrained" : `${clock.MHz} MHz on ${clock.port}`}, the oscillator has ${oscillator} MHz`,
      "constrain clk to it",
    );
  return findings;
};
