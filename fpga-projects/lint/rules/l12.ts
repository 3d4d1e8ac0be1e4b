/** L12: every port belongs to an interface, every interface to the clock, the reset says its polarity, and nothing is left open. */
import { checked, type Finding, notApplicable, type Rule } from "../finding.js";
import { optionOf, packageOf, SCRIPT } from "../packaged.js";
import { type Command, goodPlays } from "../play.js";
import { isChip, type Project } from "../project.js";
import { AXI, type Bus, busesOf, isMaster, isSlave, noTop, type Top, topOf } from "../verilog.js";

const attributes = (top: Top, buses: readonly Bus[]): Finding[] => {
  const findings: Finding[] = [];
  const say = (line: number, text: string, remedy: string): void => {
    findings.push({ rule: 12, file: top.file, line, text, remedy });
  };
  for (const { name, line, attributes: a } of top.ports)
    if (!a.has("X_INTERFACE_INFO"))
      say(line, `port ${name} belongs to no interface`, "give it X_INTERFACE_INFO: v++ refuses loose pins");
  const kind = (word: string): Bus[] => buses.filter((b) => b.definition === `xilinx.com:signal:${word}:1.0`);
  const [clock, ...clocks] = kind("clock");
  if (clock === undefined) return [...findings, { ...noTopClock(top) }];
  const associated = new Set(
    [clock, ...clocks].flatMap((c) => c.parameters.get("ASSOCIATED_BUSIF")?.split(":") ?? []),
  );
  for (const bus of buses.filter((b) => b.definition === AXI)) {
    const [{ line }] = bus.ports as [Bus["ports"][number]];
    if (!associated.has(bus.name))
      say(line, `no clock is associated with ${bus.name}`, "add it to ASSOCIATED_BUSIF");
    const mode = isMaster(bus) ? "master" : "slave";
    if (bus.mode !== mode) say(line, `${bus.name} does not say that it is a ${mode}`, "set X_INTERFACE_MODE");
  }
  const names = new Set(buses.map((b) => b.name));
  for (const name of associated)
    if (!names.has(name))
      say(clock.ports[0]!.line, `the clock is associated with ${name}, which is not there`, "take it out");
  const resets = kind("reset");
  for (const c of [clock, ...clocks]) {
    const reset = c.parameters.get("ASSOCIATED_RESET");
    if (!resets.some((r) => r.name === reset))
      say(c.ports[0]!.line, `${c.name} has no reset`, "set ASSOCIATED_RESET");
    if (c.parameters.has("FREQ_HZ"))
      say(
        c.ports[0]!.line,
        `${c.name} fixes FREQ_HZ: a block design of another clock fails (BD 41-237)`,
        "leave it out",
      );
  }
  for (const reset of resets)
    if (reset.parameters.get("POLARITY") !== (reset.name.endsWith("_n") ? "ACTIVE_LOW" : "ACTIVE_HIGH"))
      say(reset.ports[0]!.line, `${reset.name}: polarity missing or against its name`, "set POLARITY");
  return findings;
};
const noTopClock = ({ file }: Top): Finding => ({
  rule: 12,
  file,
  text: "no port is a clock",
  remedy: "give it X_INTERFACE_INFO",
});

const packaging = async (project: Project, buses: readonly Bus[]): Promise<Finding[]> => {
  const packaged = await packageOf(project);
  if (packaged === null || packaged === undefined) return [];
  const associated = new Set(
    packaged.commands
      .filter(({ name }) => name === "ipx::associate_bus_interfaces")
      .map((c) => optionOf(c, "-busif")),
  );
  return buses
    .filter((b) => b.definition === AXI && !associated.has(b.name))
    .map(({ name }) => ({
      rule: 12,
      file: SCRIPT,
      text: `${name} is associated with no clock`,
      remedy: "call ipx::associate_bus_interfaces",
    }));
};

/** Pins and interfaces of the block design that a command connects. */
const ends = (commands: readonly Command[], name: string): string[][] =>
  commands.filter((c) => c.name === name).map((c) => [...c.words]);

const CELL = "core";
const design = async (project: Project, buses: readonly Bus[]): Promise<Finding[]> => {
  const play = (await goodPlays(project))?.find((p) => p.commands.some((c) => c.name === "create_bd_design"));
  if (play === undefined) return [];
  const { commands, script } = play;
  const findings: Finding[] = [];
  const say = (text: string, remedy: string): void => {
    findings.push({ rule: 12, file: script, text, remedy });
  };
  const [nets, interfaces] = [ends(commands, "connect_bd_net"), ends(commands, "connect_bd_intf_net")];
  const wired = new Set([...nets, ...interfaces].flat());
  for (const { name } of buses)
    if (!wired.has(`${CELL}/${name}`)) say(`${CELL}/${name} is left open`, "connect it");
  const clocked = new Set(nets.find((net) => net.some((pin) => pin.endsWith("/slowest_sync_clk"))) ?? []);
  const allClocked = new Set([...clocked, ...nets.filter((n) => clocked.has(n[0]!)).flat()]);
  // A SmartConnect has as many slots as it says, each with a wire, and a clock.
  for (const cell of commands.filter((c) => c.name === "create_bd_cell")) {
    const name = cell.words.at(-1)!;
    if (!/smartconnect/.test(optionOf(cell, "-vlnv") ?? "")) continue;
    const dict = commands.find(
      (c) => c.name === "set_property" && c.words[0] === "-dict" && c.words[2] === name,
    );
    for (const [side, pin] of [
      ["NUM_SI", "S"],
      ["NUM_MI", "M"],
    ] as const) {
      const said = Number(new RegExp(`CONFIG\\.${side} (?:\\{ *)?(\\d+)`).exec(dict?.words[1] ?? "")?.[1]);
      const used = [...wired].filter((w) => new RegExp(`^${name}/${pin}\\d\\d_AXI$`).test(w)).length;
      if (said !== used) say(`${name} has ${side} ${said}, but ${used} are connected`, "make them agree");
    }
    if (!allClocked.has(`${name}/aclk`)) say(`${name} has no clock`, "connect aclk");
  }
  // A memory port that is connected needs its clock too.
  for (const port of wired) {
    const hp = /^ps\/S_AXI_HP(\d)(_FPD)?$/.exec(port);
    if (hp === null) continue;
    const clock = hp[2] === undefined ? `ps/S_AXI_HP${hp[1]}_ACLK` : `ps/saxihp${hp[1]}_fpd_aclk`;
    if (!allClocked.has(clock)) say(`${port} has no clock`, `connect ${clock}`);
  }
  return findings;
};

export const l12: Rule = {
  number: 12,
  title: "every port in an interface, every interface clocked and connected",
  check: async (project) => {
    if (isChip(project)) return notApplicable("the top level has pins, no interfaces");
    const top = topOf(project);
    if (top === undefined) return checked([noTop(12, project)]);
    const buses = busesOf(top);
    const slaves = buses.filter(isSlave);
    return checked([
      ...attributes(top, buses),
      ...(slaves.length === 1 && slaves[0]!.name === "s_axi_control"
        ? []
        : [
            {
              rule: 12,
              file: top.file,
              text: "Vitis wants one AXI4-Lite slave named s_axi_control",
              remedy: "name it so",
            },
          ]),
      ...(await packaging(project, buses)),
      ...(await design(project, buses)),
    ]);
  },
};
