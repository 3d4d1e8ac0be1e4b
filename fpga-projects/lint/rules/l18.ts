/** L18: memory contents fit the memories that load them: names, widths, lengths, digits; nothing is loaded that is not there. */
import { checked, type Finding, notApplicable, type Rule } from "../finding.js";
import { filesUnder, textOf } from "../project.js";

const MEMORY = /^\s*reg\s+(?:signed\s+)?(?:\[(\d+):0\]\s*)?(\w+)\s*\[0:(\d+)\]/gm;
const LOAD = /\$readmem([hb])\("([^"]+)",\s*(\w+)/g;
const AGAIN = "export the project anew";

const contents = (file: string, text: string, width: number, depth: number): Finding[] => {
  const findings: Finding[] = [];
  const say = (line: number, message: string): void => {
    findings.push({ rule: 18, file, line, text: message, remedy: AGAIN });
  };
  const words = text.split("\n");
  if (words.at(-1) === "") words.pop();
  for (const [i, word] of words.entries()) {
    if (!/^[0-9a-f]+$/.test(word)) say(i + 1, `'${word.slice(0, 20)}' is no hexadecimal word`);
    else if (BigInt(`0x${word}`) >> BigInt(width) !== 0n) say(i + 1, `${word} has more than ${width} bits`);
    if (findings.length > 8) break;
  }
  if (words.length > depth) say(depth + 1, `${words.length} words for a memory of ${depth}`);
  if (words.length === 0) say(1, "has no words");
  return findings;
};

export const l18: Rule = {
  number: 18,
  title: "memory contents fit their memories",
  check: (project) => {
    const present = new Set(filesUnder(project, "rtl/", ".mem"));
    const findings: Finding[] = [];
    const loaded = new Set<string>();
    for (const file of filesUnder(project, "rtl/", ".v")) {
      const text = textOf(project, file)!;
      const memories = new Map(
        [...text.matchAll(MEMORY)].map(([, high, name, last]) => [
          name!,
          { width: Number(high ?? 0) + 1, depth: Number(last) + 1 },
        ]),
      );
      for (const [, base, name, memory] of text.matchAll(LOAD)) {
        const say = (message: string, remedy: string): void => {
          findings.push({ rule: 18, file, text: message, remedy });
        };
        if (name!.includes("/"))
          say(`$readmemh("${name}"): a path`, "name the file alone: Vivado finds it among the sources");
        const source = `rtl/${name}`;
        const shape = memories.get(memory!);
        if (base !== "h") say(`$readmemb("${name}")`, "contents are hexadecimal here");
        else if (!present.has(source)) say(`loads ${name}, which is not there`, AGAIN);
        else if (shape === undefined) say(`loads ${name} into ${memory}, which is no memory`, AGAIN);
        else {
          loaded.add(source);
          findings.push(...contents(source, textOf(project, source)!, shape.width, shape.depth));
        }
      }
    }
    for (const file of present)
      if (!loaded.has(file)) findings.push({ rule: 18, file, text: "nothing loads it", remedy: AGAIN });
    return present.size === 0 && findings.length === 0
      ? notApplicable("the model lies in memory outside: no contents in the FPGA")
      : checked(findings);
  },
};
