/** The host's side of an exported project: the model's data, the register map, and a program that talks, by kind of board. */
import { createHash } from "node:crypto";
import { LINK } from "../../generator/isa/serial.js";
import {
  hostMakefile,
  type LinkText,
  linkDocument,
  modelHeader,
  pynqPython,
  serialPython,
  textPython,
  xrtProgram,
} from "../../rtl-templates/host/host.js";
import type { AxiExport, ExportInput, ProjectFiles } from "../export/input.js";
import type { Board } from "../boards/index.js";
import { baudFor, identity } from "../standalone.js";
import { registerFiles, registerTexts } from "./registers.js";
import { factsOf, tokenizerFiles } from "./tokenizer.js";

const PAGE = 4096;
/** Cell of the core in the block design of scripts/zynq.tcl. */
const CELL = "core";
/** Part of a second that a port waits for an answer before that is an error: memory answers in microseconds. */
const TIMEOUTS_PER_SECOND = 10;

/** Titles stand in comments and strings of several languages. */
const plain = (text: string): string => text.replace(/[^\p{L}\p{N} .,()+:_-]/gu, "_");
const titleOf = ({ model, board }: Pick<ExportInput, "model" | "board">): string =>
  plain(`${model} on ${board.title}`);

const programBytes = (program: BigUint64Array): Uint8Array => {
  const bytes = new Uint8Array(8 * program.length);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of program.entries()) view.setBigUint64(8 * i, word, true);
  return bytes;
};

const described = (file: string, content: Uint8Array) => ({
  file,
  bytes: content.length,
  sha256: createHash("sha256").update(content).digest("hex"),
});

/** FNV-1a, for programs without a library for sha256. In halves of 32 bits: images are long, and BigInt is slow. */
const fingerprint = (content: Uint8Array): string => {
  const PRIME = 0x1b3; // and 2^40
  let [high, low] = [0xcbf29ce4, 0x84222325];
  for (const byte of content) {
    low = (low ^ byte) >>> 0;
    const product = low * PRIME;
    high = (Math.imul(high, PRIME) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  const hex = (half: number): string => half.toString(16).padStart(8, "0");
  return `0x${hex(high)}${hex(low)}`;
};

/** What every program must know. */
interface CommonFacts {
  readonly name: string;
  /** As people know it. */
  readonly model: string;
  readonly board: Board;
  readonly positions: number;
  readonly vocab: number;
  readonly clockMHz: number;
  readonly tokenizer: ReadonlyMap<string, string>;
}
const commonFacts = ({ board, tokenizer, name, model, positions, vocab, clockMHz }: CommonFacts) => ({
  ...{ name, model, board: board.name, positions, vocab, clockMHz },
  tokenizer: factsOf(tokenizer),
});
const factsIn = (input: ExportInput): CommonFacts => ({
  ...input,
  positions: input.compiled.positions,
  vocab: input.compiled.model.shape.vocab,
});

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
const inHost = (files: ReadonlyMap<string, string>): [string, string][] =>
  [...files].map(([name, text]) => [`host/${name}`, text]);

const linkText = (title: string): LinkText => {
  const letter = (code: number): string => `0x${code.toString(16)}`;
  return {
    title,
    prompt: letter(LINK.prompt),
    go: letter(LINK.go),
    identify: letter(LINK.identify),
    token: letter(LINK.token),
    done: letter(LINK.done),
    error: letter(LINK.error),
  };
};

/** A chip at the other end of a UART. */
export interface SerialChip extends CommonFacts {
  readonly baud: number;
  /** What it answers when it is asked who is there. */
  readonly id: number;
}

export const serialFiles = (chip: SerialChip): ProjectFiles => {
  const { baud, id, positions } = chip;
  const title = titleOf(chip);
  const link = linkText(title);
  return new Map<string, string>([
    ["host/model.json", json({ ...commonFacts(chip), serial: { baud, id } })],
    ...inHost(tokenizerFiles(chip.tokenizer)),
    ["host/gateloom_text.py", textPython({ title })],
    ["host/gateloom_serial.py", serialPython(link)],
    ["docs/link.md", linkDocument({ ...link, baud, id: id.toString(16).padStart(8, "0"), positions })],
  ]);
};

/** For boards with the model in the FPGA and a UART. */
export const serialHostFiles = (input: ExportInput): ProjectFiles =>
  serialFiles({
    ...factsIn(input),
    baud: baudFor(input.clockMHz),
    id: identity([...input.compiled.program]),
  });

/** Bytes of each channel: its slices of image and cache, whole words behind the last one, whole pages. */
const channelBytes = ({ compiled, masters }: AxiExport): number =>
  Math.ceil((compiled.memoryBeats * (compiled.beatBytes / masters.masters)) / PAGE + 1) * PAGE;

/** For boards with the accelerator behind AXI. Versal cards have no XRT: they get the data and the register map. */
export const axiHostFiles = (input: AxiExport): ProjectFiles => {
  const { board, name, config, compiled, clockMHz, masters, registers } = input;
  const title = titleOf(input);
  const program = programBytes(compiled.program);
  const facts = factsOf(input.tokenizer);
  const own = {
    ...compiled.registers,
    timeout: Math.round((clockMHz * 1e6) / TIMEOUTS_PER_SECOND),
  };
  const files = new Map<string, string | Uint8Array>([
    ...registerFiles({ title, config, masters, registers }),
    [
      "host/model.json",
      json({
        ...commonFacts(factsIn(input)),
        cell: CELL,
        registers: own,
        memory: { beatBytes: compiled.beatBytes, channelBytes: channelBytes(input) },
        image: described("image.bin", compiled.image),
        program: described("program.bin", program),
      }),
    ],
    ["host/image.bin", compiled.image],
    ["host/program.bin", program],
    ...inHost(tokenizerFiles(input.tokenizer)),
    ["host/gateloom_text.py", textPython({ title })],
  ]);
  switch (board.flow.kind) {
    case "zynq7":
    case "zynqmp":
      files.set("host/gateloom.py", pynqPython({ title, name }));
      return files;
    case "alveo": {
      const texts = registerTexts({ title, config, masters, registers });
      const constants = texts.constants.filter((c) => c.name !== "version");
      files.set("host/main.cpp", xrtProgram({ title, name, constants }));
      files.set("host/Makefile", hostMakefile({ title }));
      files.set(
        "host/gateloom_model.h",
        modelHeader({
          title,
          kernel: `${name}:{${name}_1}`,
          imageBytes: compiled.image.length,
          programBytes: program.length,
          imageHash: fingerprint(compiled.image),
          programHash: fingerprint(program),
          channelBytes: channelBytes(input),
          positions: compiled.positions,
          vocab: compiled.model.shape.vocab,
          registers: Object.entries(own).map(([register, value]) => {
            const { constant, width } = texts.registers.find((r) => r.name === register)!;
            return { constant, width, value };
          }),
          vocabularyFile: facts?.vocabulary ?? "",
          encodes: facts?.encoder === "scores" && facts.chatTemplate === null ? 1 : 0,
          bos: facts?.bos ?? -1,
          firstByte: facts?.firstByte ?? 0,
          dropsSpace: facts?.dropsSpaceBehindBos === true ? 1 : 0,
          stops: facts?.stops ?? [],
        }),
      );
      return files;
    }
    case "versal":
      return files;
    case "fabric":
    case "open":
      throw new RangeError(`${board.name} has no AXI`);
  }
};

/** By path in the project. */
export const hostFiles = (input: ExportInput | AxiExport): ProjectFiles =>
  "registers" in input ? axiHostFiles(input) : serialHostFiles(input);
