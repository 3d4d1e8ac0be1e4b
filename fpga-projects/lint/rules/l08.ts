/** L8: the IP-XACT package is whole: name, memory map, registers, kernel properties; and block designs take it by that name. */
import { checked, type Finding, notApplicable, notRun, type Rule } from "../finding.js";
import { optionOf, type Package, packageOf, propertyOf, SCRIPT } from "../packaged.js";
import { goodPlays, NO_TCLSH } from "../play.js";
import type { Project } from "../project.js";
import { busesOf, isMaster, isSlave, topOf } from "../verilog.js";

const CORE = "core";
const say = (text: string, remedy: string, file = SCRIPT): Finding => ({ rule: 8, file, text, remedy });

const identity = async (project: Project, { commands }: Package): Promise<Finding[]> => {
  const made = commands.find(({ name }) => name === "ipx::package_project");
  if (made === undefined) return [say("packages nothing", "call ipx::package_project")];
  const top = commands.find(({ name, words }) => name === "set_property" && words[0] === "top")?.words[1];
  const [vendor, library] = [optionOf(made, "-vendor"), optionOf(made, "-library")];
  const vlnv = [vendor, library, top, propertyOf(commands, CORE, "version")].join(":");
  const used = ((await goodPlays(project)) ?? [])
    .flatMap((p) => p.commands)
    .filter((c) => c.name === "create_bd_cell" && optionOf(c, "-vlnv")?.startsWith(`${vendor}:`));
  return used
    .filter((c) => optionOf(c, "-vlnv") !== vlnv)
    .map((c) => ({
      ...say(`${optionOf(c, "-vlnv")} is not what is packaged, which is ${vlnv}`, `use ${vlnv}`, c.file),
      line: c.line,
    }));
};

const map = (project: Project, { commands, registers, range, width }: Package): Finding[] => {
  const top = topOf(project);
  const buses = top === undefined ? [] : busesOf(top);
  const findings: Finding[] = [];
  const masters = new Set(buses.filter(isMaster).map(({ name }) => name));
  for (const { name } of buses.filter(isSlave)) {
    const reference = propertyOf(commands, name, "slave_memory_map_ref");
    if (reference === undefined) findings.push(say(`${name} has no memory map`, "set slave_memory_map_ref"));
    else if (!commands.some((c) => c.name === "ipx::add_memory_map" && c.words.includes(reference)))
      findings.push(say(`${name} refers to the memory map ${reference}, which is not there`, "add it"));
  }
  if (!(range > 0)) findings.push(say("the address block has no range", "set range"));
  if (width !== 32) findings.push(say("the address block is not 32 bits wide", "set width"));
  for (const { name, line, offset, size, access, description, port } of registers) {
    const bad = (text: string, remedy: string): void => {
      findings.push({ ...say(`register ${name}: ${text}`, remedy), line });
    };
    if (!Number.isInteger(offset)) bad("no address_offset", "set it");
    if (size !== 32 && size !== 64) bad(`${size} bits`, "registers have 32 or 64 bits");
    if (!/^(read-write|read-only|write-only)$/.test(access)) bad(`access ${access}`, "see IEEE 1685, access");
    if (description === "") bad("no description", "set it");
    if (port !== undefined && !masters.has(port))
      bad(`points to ${port}, which is no master`, "name a master");
  }
  return findings;
};

const kernel = (project: Project, { commands, registers }: Package): Finding[] => {
  if (project.board?.flow.kind !== "alveo") return [];
  const findings: Finding[] = [];
  const wanted = { sdx_kernel: "true", sdx_kernel_type: "rtl" };
  for (const [name, value] of Object.entries(wanted))
    if (propertyOf(commands, CORE, name) !== value)
      findings.push(
        say(`${name} is not ${value}: v++ would not take it as a kernel`, `set ${name} to ${value}`),
      );
  const made = commands.find(({ name }) => name === "package_xo");
  const { name } = project.manifest;
  if (made === undefined) findings.push(say("makes no .xo", "call package_xo"));
  else {
    if (optionOf(made, "-kernel_name") !== name)
      findings.push(
        say(`the kernel is named ${optionOf(made, "-kernel_name")}, the module ${name}`, "use one name"),
      );
    if (optionOf(made, "-ctrl_protocol") !== "ap_ctrl_hs")
      findings.push(say("-ctrl_protocol is not ap_ctrl_hs, which the registers are for", "use ap_ctrl_hs"));
  }
  const top = topOf(project);
  for (const bus of top === undefined ? [] : busesOf(top).filter(isMaster))
    if (!registers.some(({ port }) => port === bus.name))
      findings.push(say(`no pointer is for ${bus.name}: v++ cannot connect it`, "set ASSOCIATED_BUSIF"));
  return findings;
};

export const l08: Rule = {
  number: 8,
  title: "the IP-XACT package is whole",
  check: async (project) => {
    const packaged = await packageOf(project);
    if (packaged === null) return notRun(NO_TCLSH);
    if (packaged === undefined) return notApplicable("this board's project packages nothing");
    return checked([
      ...(await identity(project, packaged)),
      ...map(project, packaged),
      ...kernel(project, packaged),
    ]);
  },
};
