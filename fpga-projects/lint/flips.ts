/** Changes of what an exported accelerator computes with: of weights that it reads, of constants in its Verilog. */
import { BASE, type Layout } from "./execution.js";
import type { Seen } from "./bench.js";
import { filesUnder, type Project, textOf } from "./project.js";

const IMAGE = "host/image.bin";

export interface Flip {
  readonly file: string;
  /** The project with it. */
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

/**
 * The middle of each of the longest early bursts inverted: those are matrices. One bit alone need not show: four-bit keys and
 * values are coarser than the least of their weights.
 */
export const weightFlip = (
  project: Project,
  seen: Seen,
  { beatBytes, channels }: Layout,
): Flip | undefined => {
  const image = project.files.get(IMAGE)!;
  const bursts = early(seen);
  const longest = Math.max(...bursts.map(({ words }) => words));
  const slice = beatBytes / channels;
  const copy = Buffer.from(image);
  for (const { channel, offset, words, size } of bursts.filter((b) => b.words === longest)) {
    const first = Math.floor((offset + ((words - 1) << size) / 2) / slice) * beatBytes + channel * slice;
    for (let at = first; at < Math.min(first + slice, image.length); at++) copy[at] = copy[at]! ^ 0xff;
  }
  return copy.equals(image) ? undefined : { file: IMAGE, of: changed(project, IMAGE, copy) };
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
