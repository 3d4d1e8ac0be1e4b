/** One run of an exported accelerator behind AXI, in simulation: image and program as the project's host would load them. */
import { z } from "zod";
import { drive, type Memory, type Operation, type Seen } from "./bench.js";
import { ownName, windowsOf } from "./maps.js";
import type { Package } from "./packaged.js";
import { type Project, textOf } from "./project.js";
import { busesOf, isMaster, type Top } from "./verilog.js";

export const PROMPT = [5];
/** Positions: the first token reads every weight and its own slot of the cache, and is all that a simulation can take. */
export const TOTAL = 1;
/** Small models end long before; of large ones, this much is seen. */
export const CYCLES = 20_000;
/** Pointers lie above 4 GB, so that lost high halves show; a channel each 4 GB. */
export const BASE = 0x12_3000_0000n;
const base = (channel: number): bigint => BASE + (BigInt(channel) << 32n);

const hostSchema = z.object({
  registers: z.record(z.string(), z.number()),
  memory: z.object({ beatBytes: z.number(), channelBytes: z.number() }),
});
type Host = z.infer<typeof hostSchema>;

/** Image, cut into the channels' slices (docs/registers.md, step 1). */
const memoryOf = (image: Buffer, { memory }: Host, channels: number, dataBits: number): Memory => {
  const { beatBytes, channelBytes } = memory;
  const slice = beatBytes / channels;
  const bytes = Buffer.alloc(channels * channelBytes);
  for (let beat = 0; beat * beatBytes < image.length; beat++)
    for (let c = 0; c < channels; c++)
      image.copy(
        bytes,
        c * channelBytes + beat * slice,
        beat * beatBytes + c * slice,
        beat * beatBytes + (c + 1) * slice,
      );
  const step = dataBits / 8;
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += step)
    lines.push(
      Buffer.from(bytes.subarray(at, at + step))
        .reverse()
        .toString("hex"),
    );
  return { base: BASE, channels, words: channelBytes / step, dataBits, text: `${lines.join("\n")}\n` };
};

const operationsOf = (project: Project, { registers }: Package, program: Buffer, host: Host): Operation[] => {
  const operations: Operation[] = [];
  const write = (offset: number, value: bigint): void => {
    operations.push({ kind: "write", offset, value: Number(value & 0xffffffffn) });
  };
  const set = (offset: number, size: number, value: bigint): void => {
    write(offset, value);
    if (size === 64) write(offset + 4, value >> 32n);
  };
  const offsetOf = (name: string): number => registers.find((r) => ownName(r.name) === name)?.offset ?? 0;
  const window = (name: string): number => windowsOf(project).find((w) => w.name === name)?.offset ?? 0;
  for (let i = 0; i + 8 <= program.length; i += 8) set(window("program") + i, 64, program.readBigUInt64LE(i));
  for (const [i, token] of PROMPT.entries()) write(window("tokens") + 4 * i, BigInt(token));
  const scalars: Readonly<Record<string, number>> = {
    ...host.registers,
    promptLength: PROMPT.length,
    total: TOTAL,
    timeout: 0,
    gie: 1,
    ier: 1,
  };
  for (const { name, offset, size, port } of registers) {
    const value = scalars[ownName(name)];
    const channel = /_(\d+)$/.exec(name)?.[1];
    // Reader and cache's writer share a channel's memory.
    if (port !== undefined) set(offset, size, base(Number(channel)));
    else if (value !== undefined) set(offset, size, BigInt(value));
  }
  write(offsetOf("ap_ctrl"), 1n);
  operations.push({ kind: "watch", cycles: CYCLES }, { kind: "read", offset: offsetOf("generated") });
  // The prompt, and what was chosen behind it.
  for (let i = 0; i <= TOTAL; i++) operations.push({ kind: "read", offset: window("tokens") + 4 * i });
  return operations;
};

/** How an image lies in the channels' memory. */
export interface Layout {
  readonly beatBytes: number;
  readonly channels: number;
}
export type Execution =
  | { readonly kind: "ran"; readonly seen: Seen; readonly layout: Layout }
  | { readonly kind: "noTool" }
  /** Something of it is missing or not what the project says. */
  | { readonly kind: "noProgram"; readonly why: string };

export const execute = async (project: Project, top: Top, packaged: Package): Promise<Execution> => {
  const [program, image, text] = [
    project.files.get("host/program.bin"),
    project.files.get("host/image.bin"),
    textOf(project, "host/model.json"),
  ];
  if (program === undefined || image === undefined || text === undefined)
    return { kind: "noProgram", why: "host/program.bin, host/image.bin or host/model.json is missing" };
  const host = hostSchema.safeParse(JSON.parse(text));
  if (!host.success) return { kind: "noProgram", why: "host/model.json does not say how memory lies" };
  const masters = busesOf(top).filter(isMaster);
  const widths = masters.map((m) => m.ports.find((p) => p.logical === "RDATA")?.width ?? 0);
  const channels = packaged.registers.filter((r) => /^image_\d+$/.test(r.name)).length;
  if (channels === 0) return { kind: "noProgram", why: "there is no pointer to an image" };
  const memory = memoryOf(image, host.data, channels, widths[0]!);
  const seen = await drive(project, top, operationsOf(project, packaged, program, host.data), memory);
  return seen === null
    ? { kind: "noTool" }
    : { kind: "ran", seen, layout: { beatBytes: host.data.memory.beatBytes, channels } };
};
