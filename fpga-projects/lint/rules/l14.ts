/** L14: link.cfg connects ports that the kernel has to memory that the card has, and the image fits there. */
import { z } from "zod";
import { checked, type Finding, notApplicable, type Rule } from "../finding.js";
import { textOf } from "../project.js";
import { busesOf, isMaster, topOf } from "../verilog.js";

const FILE = "link.cfg";
interface Line {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

const linesOf = (text: string): Line[] => {
  let section = "";
  return text.split("\n").flatMap((whole, i): Line[] => {
    const line = whole.replace(/#.*/, "").trim();
    const head = /^\[([\w.]+)\]$/.exec(line);
    if (head !== null) section = head[1]!;
    const pair = /^(\w+)=(.*)$/.exec(line);
    return pair === null ? [] : [{ section, key: pair[1]!, value: pair[2]!, line: i + 1 }];
  });
};
/** What a line may be, by section. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  "": ["kernel_frequency", "platform", "save-temps"],
  connectivity: ["nk", "sp", "slr", "stream_connect"],
  vivado: ["prop", "param"],
};

const hostSchema = z.object({ memory: z.object({ channelBytes: z.number() }) });

export const l14: Rule = {
  number: 14,
  title: "link.cfg: ports, banks and regions that are there, room for the image",
  check: (project) => {
    const flow = project.board?.flow;
    if (flow?.kind !== "alveo") return notApplicable("not linked by v++");
    const text = textOf(project, FILE);
    const findings: Finding[] = [];
    const say = (message: string, remedy: string, line?: number): void => {
      findings.push({ rule: 14, file: FILE, ...(line === undefined ? {} : { line }), text: message, remedy });
    };
    if (text === undefined)
      return checked([{ rule: 14, file: FILE, text: "is missing", remedy: "export the project anew" }]);
    const lines = linesOf(text);
    const { name, clockMHz } = project.manifest;
    const unit = `${name}_1`;
    for (const { section, key, line } of lines)
      if (!KEYS[section]?.includes(key))
        say(`${key} does not belong into [${section}]`, "see UG1393, v++ configuration", line);
    const of = (key: string): Line[] => lines.filter((l) => l.key === key);
    const kernels = of("nk").map(({ value }) => value);
    if (kernels.length !== 1 || kernels[0] !== `${name}:1:${unit}`)
      say(`nk is ${kernels.join(", ")}`, `write nk=${name}:1:${unit}`);
    if (Number(of("kernel_frequency")[0]?.value) !== clockMHz)
      say(
        `kernel_frequency is ${of("kernel_frequency")[0]?.value}, the manifest says ${clockMHz}`,
        "make them agree",
      );
    for (const { value, line } of of("slr")) {
      const [, u, region] = /^(\w+):SLR(\d+)$/.exec(value) ?? [];
      if (u !== unit || Number(region) >= project.board!.device.slrs)
        say(`slr=${value}: no such unit or region`, "see the device", line);
    }
    const top = topOf(project);
    const masters =
      top === undefined
        ? []
        : busesOf(top)
            .filter(isMaster)
            .map((b) => b.name);
    const host = textOf(project, "host/model.json");
    const bytes = host === undefined ? 0 : hostSchema.parse(JSON.parse(host)).memory.channelBytes;
    const connected = new Map<string, number>();
    for (const { value, line } of of("sp")) {
      const [, u, port, from, to] = /^(\w+)\.(\w+):HBM\[(\d+)(?::(\d+))?\]$/.exec(value) ?? [];
      if (u !== unit || !masters.includes(port!)) {
        say(`sp=${value}: no such port`, `ports are ${masters.join(", ")}`, line);
        continue;
      }
      connected.set(port!, (connected.get(port!) ?? 0) + 1);
      const [first, last] = [Number(from), Number(to ?? from)];
      if (first > last || last >= flow.hbmBanks)
        say(`sp=${value}: banks are 0 to ${flow.hbmBanks - 1}`, "use those", line);
      else if ((last - first + 1) * flow.hbmBankBytes < bytes)
        say(
          `sp=${value}: a channel has ${bytes} bytes, the banks ${(last - first + 1) * flow.hbmBankBytes}`,
          "give it more banks",
          line,
        );
    }
    for (const port of masters)
      if (connected.get(port) !== 1)
        say(`${connected.get(port) ?? 0} sp= lines for ${port}`, "one for each port");
    return checked(findings);
  },
};
