/** One flipped bit of what an exported accelerator computes with: of a weight that it reads, of the constants in its Verilog. */
import { BASE, type Layout } from "./execution.js";
import type { Seen } from "./bench.js";
import { filesUnder, type Project, textOf } from "./project.js";

const IMAGE = "host/image.bin";

export interface Flip {
  readonly file: string;
  readonly what: string;
  readonly of: Project;
}
const changed = (project: Project, file: string, content: Buffer): Project => ({
  ...project,
  files: new Map([...project.files, [file, content]]),
});

/** Channels and places of the bursts that come before the first write of the cache: keys and values depend on those. */
const early = ({
  bursts,
}: Seen): {
  readonly channel: number;
  readonly offset: number;
  readonly words: number;
  readonly size: number;
}[] => {
  const first = bursts.findIndex(({ kind }) => kind === "write");
  return bursts
    .slice(0, first < 0 ? bursts.length : first)
    .filter(({ kind, address }) => kind === "read" && address >= BASE)
    .map(({ address, words, size }) => ({
      channel: Number((address - BASE) >> 32n),
      offset: Number((address - BASE) & 0xffffffffn),
      words,
      size,
    }));
};

/** The second highest bit of a byte: in every weight format it is worth much. */
const BIT = 0x40;

/** Of the longest early bursts, which are matrices; the middle ones first. */
export const weightFlips = (project: Project, seen: Seen, { beatBytes, channels }: Layout): Flip[] => {
  const image = project.files.get(IMAGE)!;
  const bursts = early(seen);
  const longest = Math.max(...bursts.map(({ words }) => words));
  const long = bursts.filter(({ words }) => words === longest);
  const middle = (long.length - 1) / 2;
  return long
    .map((burst, i) => ({ burst, far: Math.abs(i - middle) }))
    .sort((a, b) => a.far - b.far)
    .flatMap(({ burst: { channel, offset, words, size } }): Flip[] => {
      const inChannel = offset + (words << size) / 2;
      const slice = beatBytes / channels;
      const at = Math.floor(inChannel / slice) * beatBytes + channel * slice + (inChannel % slice);
      if (at >= image.length) return [];
      const copy = Buffer.from(image);
      copy[at] = copy[at]! ^ BIT;
      return [{ file: IMAGE, what: `bit 6 of byte ${at}`, of: changed(project, IMAGE, copy) }];
    });
};

const ARM = /^(\s*\d+'d\d+: \w+ = (\d+)'d)(\d+);$/gm;
/** Fewer are decoders of states. */
const LEAST = 32;

/** The highest bit of every constant in the cases of a module; the module with the fewest first. */
export const constantFlips = (project: Project): Flip[] =>
  filesUnder(project, "rtl/", ".v")
    .map((file) => ({ file, text: textOf(project, file)! }))
    .map(({ file, text }) => ({ file, text, arms: [...text.matchAll(ARM)].length }))
    .filter(({ arms }) => arms >= LEAST)
    .sort((a, b) => a.arms - b.arms)
    .map(({ file, text }) => ({
      file,
      what: "the highest bit of the constants in its cases",
      of: changed(
        project,
        file,
        Buffer.from(
          text.replace(ARM, (_, head: string, bits: string, value: string) => {
            const top = 1n << BigInt(Number(bits) - 1);
            return `${head}${BigInt(value) ^ top};`;
          }),
        ),
      ),
    }));
