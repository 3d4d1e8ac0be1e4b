/** L11: registers lie where Vitis and the bus want them, beside each other, within what the slave decodes. */
import { checked, type Finding, notApplicable, notRun, type Rule } from "../finding.js";
import { optionOf, packageOf, SCRIPT } from "../packaged.js";
import { goodPlays, NO_TCLSH } from "../play.js";
import { busesOf, isSlave, topOf } from "../verilog.js";

/** UG1393, control requirements of kernels; names as Vitis' own scripts have them. */
const CONTROL = ["CTRL", "GIER", "IP_IER", "IP_ISR"];
const ARGUMENTS = 0x10;
/** A pointer and the word behind it; a scalar and the word behind it. */
const STEP = { 64: 12, 32: 8 } as const;
const PAGE = 4096;
const hex = (n: number): string => `0x${n.toString(16)}`;
const UNITS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2 };

export const l11: Rule = {
  number: 11,
  title: "register arithmetic: no overlap, steps, range, address bits",
  check: async (project) => {
    const packaged = await packageOf(project);
    if (packaged === null) return notRun(NO_TCLSH);
    if (packaged === undefined) return notApplicable("no registers: this board talks over a UART");
    const { registers, range } = packaged;
    const findings: Finding[] = [];
    const say = (text: string, remedy: string, line?: number, file = SCRIPT): void => {
      findings.push({ rule: 11, file, ...(line === undefined ? {} : { line }), text, remedy });
    };
    for (const [i, name] of CONTROL.entries())
      if (registers.find((r) => r.name === name)?.offset !== 4 * i)
        say(`${name} is not at ${hex(4 * i)}`, "keep the control registers of ap_ctrl_hs");
    const sorted = [...registers].sort((a, b) => a.offset - b.offset);
    let end = 0;
    for (const { name, offset, size, line } of sorted) {
      if (offset % 4 !== 0) say(`${name} at ${hex(offset)} is not aligned`, "words have 4 bytes", line);
      if (offset < end) say(`${name} at ${hex(offset)} overlaps the register before it`, "move it", line);
      end = offset + size / 8;
      if (end > range)
        say(`${name} ends at ${hex(end)}, behind the range of ${hex(range)}`, "widen the range", line);
    }
    // Pointers and scalars that Vitis passes as arguments: everything writable from 0x10 on, without a gap.
    let next = ARGUMENTS;
    const pointers = registers.filter((r) => r.port !== undefined);
    if (pointers.length === 0) say("there is no pointer to memory", "set ASSOCIATED_BUSIF of pointers");
    for (const { name, offset, size, line } of sorted.filter(
      (r) => r.offset >= ARGUMENTS && r.access === "read-write",
    )) {
      if (offset !== next)
        say(`argument ${name} is at ${hex(offset)}, not at ${hex(next)}`, "keep the steps", line);
      next = offset + (size === 64 ? STEP[64] : STEP[32]);
    }
    if (range < PAGE || 2 ** Math.round(Math.log2(range)) !== range)
      say(`the range ${range} is no power of two of at least ${PAGE}`, "round it up");
    const top = topOf(project);
    for (const bus of top === undefined ? [] : busesOf(top).filter(isSlave))
      for (const port of bus.ports.filter((p) => /^A[RW]ADDR$/.test(p.logical)))
        if (2 ** port.width !== range)
          say(
            `${port.name} has ${port.width} bits, the range of ${range} bytes needs ${Math.log2(range)}`,
            "make them agree",
            port.line,
            top!.file,
          );
    for (const c of ((await goodPlays(project)) ?? []).flatMap((p) => p.commands)) {
      if (c.name !== "assign_bd_address" || !c.words.includes("-range")) continue;
      const [, n, unit] = /^(\d+|0x[0-9a-f]+)([KM]?)$/i.exec(optionOf(c, "-range")!) ?? [];
      const bytes = Number(n) * UNITS[unit ?? ""]!;
      const base = Number(optionOf(c, "-offset"));
      // The others are memory that the masters see.
      const registers = c.words.at(-1)!.endsWith("/s_axi_control/reg0");
      if (registers && bytes !== range)
        say(`the block design gives it ${bytes} bytes, not ${range}`, "make them agree", c.line, c.file);
      if (base % bytes !== 0)
        say(`base ${hex(base)} is not aligned to its range`, "align it", c.line, c.file);
    }
    return checked(findings);
  },
};
