/** L13: AXI masters have 64-bit addresses and whole words, and their bursts keep to AXI4: seen while the exported program runs. */
import { CACHE_PORT } from "../../../generator/isa/registers.js";
import { type Burst, NO_ICARUS, type Seen } from "../bench.js";
import { BASE, CYCLES, execute } from "../execution.js";
import { checked, type Finding, NOT_ASKED, notApplicable, notRun, type Rule } from "../finding.js";
import { packageOf } from "../packaged.js";
import { NO_TCLSH } from "../play.js";
import { type Bus, busesOf, isMaster, noTop, type Top, topOf } from "../verilog.js";

const ADDRESS_BITS = 64;
const [LEAST_BITS, MOST_BITS] = [32, 1024];
const MOST_WORDS = 256;
const PAGE = 4096n;
const INCR = 1;
const say = (top: Top, text: string, remedy: string, line?: number): Finding => ({
  rule: 13,
  file: top.file,
  ...(line === undefined ? {} : { line }),
  text,
  remedy,
});

const ports = (top: Top, masters: readonly Bus[]): Finding[] =>
  masters.flatMap(({ ports: all }) =>
    all.flatMap((p): Finding[] => {
      if (/^A[RW]ADDR$/.test(p.logical) && p.width !== ADDRESS_BITS)
        return [
          say(top, `${p.name} has ${p.width} bits`, "Vitis and block designs want 64-bit addresses", p.line),
        ];
      const data = /^[RW]DATA$/.test(p.logical);
      const whole = p.width >= LEAST_BITS && p.width <= MOST_BITS && Number.isInteger(Math.log2(p.width));
      return data && !whole
        ? [
            say(
              top,
              `${p.name} has ${p.width} bits`,
              "AXI data has a power of two of bits, 32 to 1,024",
              p.line,
            ),
          ]
        : [];
    }),
  );

const burst = (masters: readonly Bus[], b: Burst): string[] => {
  const bytes = BigInt(
    masters.find(({ name }) => name === b.port)!.ports.find((p) => p.logical === "RDATA")!.width / 8,
  );
  const where = `${b.port}: ${b.kind} of ${b.words} words at 0x${b.address.toString(16)}`;
  const last = b.address + bytes * BigInt(b.words) - 1n;
  return [
    ...(b.type === INCR ? [] : [`${where}: not INCR`]),
    ...(1n << BigInt(b.size) === bytes ? [] : [`${where}: narrow`]),
    ...(b.address % bytes === 0n ? [] : [`${where}: unaligned`]),
    ...(b.words <= MOST_WORDS ? [] : [`${where}: longer than ${MOST_WORDS}`]),
    ...(b.address / PAGE === last / PAGE ? [] : [`${where}: crosses 4 KB`]),
    ...(b.address >= BASE ? [] : [`${where}: outside its memory; the high half of the pointer is lost`]),
  ];
};

const traffic = (top: Top, masters: readonly Bus[], { bursts, lasts, faults }: Seen): Finding[] => {
  if (bursts.length === 0 && faults.length > 0) return faults.map((text) => say(top, text, "see rule 16"));
  const broken = bursts.flatMap((b) => burst(masters, b));
  for (const { name } of masters) {
    if (!bursts.some((b) => b.port === name))
      broken.push(`${name}: nothing is read or written in ${CYCLES} cycles`);
    const written = bursts.filter((b) => b.port === name && b.kind === "write");
    if (name === CACHE_PORT && written.length === 0)
      broken.push(`${name}: nothing is written in ${CYCLES} cycles`);
    for (const [i, { words }] of lasts.filter(({ port }) => port === name).entries())
      if (written[i]?.words !== words) broken.push(`${name}: WLAST on word ${words} of ${written[i]?.words}`);
  }
  return [...faults, ...new Set(broken)].map((text) => say(top, text, "see AMBA AXI (IHI 0022), A3"));
};

export const l13: Rule = {
  number: 13,
  title: "AXI masters: 64-bit addresses, whole INCR bursts within 4 KB",
  check: async (project, deep) => {
    const packaged = await packageOf(project);
    if (packaged === undefined) return notApplicable("the model lies inside the FPGA: no masters");
    const top = topOf(project);
    if (top === undefined) return checked([noTop(13, project)]);
    const masters = busesOf(top).filter(isMaster);
    const wrong = ports(top, masters);
    if (wrong.length > 0) return checked(wrong);
    if (!deep) return NOT_ASKED;
    if (packaged === null) return notRun(`${NO_TCLSH}; widths agree`);
    const run = await execute(project, top, packaged);
    switch (run.kind) {
      case "noTool":
        return notRun(`${NO_ICARUS}; widths agree`);
      case "noProgram":
        return checked([
          { rule: 13, file: "host", text: `cannot be run: ${run.why}`, remedy: "export the project anew" },
        ]);
      case "ran":
        return checked(traffic(top, masters, run.seen));
    }
  },
};
