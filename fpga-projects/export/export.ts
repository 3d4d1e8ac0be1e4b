/** A whole project for a board: the files of each part, README and manifest. Same input, same bytes, on any path and machine. */
import { createHash } from "node:crypto";
import { imageWords } from "../../generator/compile/words.js";
import { hostFiles } from "../host/host.js";
import { buildFiles } from "./build.js";
import { fabricProject } from "./fabric.js";
import type { ExportInput, ProjectFiles } from "./input.js";
import { axiExport, kernelProject } from "./kernel.js";
import { readmeOf } from "./readme.js";

const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

const partsOf = (input: ExportInput): ProjectFiles => {
  const { flow } = input.board;
  switch (flow.kind) {
    case "fabric":
      return new Map([...fabricProject(input, imageWords(input.compiled)), ...hostFiles(input)]);
    case "zynq7":
    case "zynqmp":
    case "alveo":
    case "versal": {
      const axi = axiExport(input);
      return new Map([...kernelProject(axi), ...hostFiles(axi)]);
    }
    case "open":
      throw new RangeError(`${input.board.name} is built by gateloom build`);
  }
};

/** Throws HdlError or CompileError when the hardware cannot be built; writes nothing. */
export const exportProject = (input: ExportInput): ProjectFiles => {
  const title = `${input.model} on ${input.board.title}`;
  const files = new Map<string, string | Uint8Array>([
    ...partsOf(input),
    ...buildFiles(input.board, input.name, title),
  ]);
  files.set("README.md", readmeOf(input, files));
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const manifest = {
    generator: "gateloom",
    kind: "project",
    board: input.board.name,
    part: input.board.device.part,
    boardPart: input.board.boardPart?.value ?? null,
    flow: input.board.flow,
    name: input.name,
    model: input.model,
    clockMHz: input.clockMHz,
    positions: input.positions,
    forced: input.forced,
    configuration: input.config,
    fit: input.fit,
    files: Object.fromEntries(sorted.map(([file, content]) => [file, sha256(content)])),
  };
  return new Map([...sorted, ["manifest.json", `${JSON.stringify(manifest, null, 2)}\n`]]);
};
