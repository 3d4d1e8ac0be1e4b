/** manifest.json of a built project: what it is, and sha256 of every file, as gateloom lint reads them. */
import { createHash } from "node:crypto";
import type { Board } from "../boards/index.js";

export interface Built {
  readonly board: Board;
  /** Of the model. */
  readonly name: string;
  readonly clockMHz: number;
  /** What it needs, of what there is; parameters of the hardware. */
  readonly fit: object;
  readonly configuration: object;
  readonly files: ReadonlyMap<string, string | Uint8Array>;
}

/** `results`: what the build measured. */
export const openManifest = (
  { board, name, clockMHz, fit, configuration, files }: Built,
  results: object,
): string => {
  const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");
  const manifest = {
    generator: "gateloom",
    kind: "project",
    board: board.name,
    part: board.device.part,
    boardPart: null,
    name,
    clockMHz,
    ...results,
    fit,
    configuration,
    files: Object.fromEntries([...files].map(([file, content]) => [file, sha256(content)])),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
};
