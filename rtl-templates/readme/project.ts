import { render } from "../render.js";

export interface ProjectReadme {
  readonly model: string;
  readonly board: string;
  /** Paragraphs. */
  readonly build: readonly string[];
  readonly run: readonly string[];
  /** What the figures are of. */
  readonly scope: string;
  readonly forced: boolean;
  readonly resources: readonly {
    readonly what: string;
    readonly needs: string;
    readonly has: string;
    readonly verdict: string;
  }[];
  readonly lanes: number;
  readonly positions: number;
  readonly clockMHz: number;
  /** A sentence about the memory. */
  readonly bandwidth: string;
  readonly speeds: readonly {
    readonly live: number;
    readonly cycles: string;
    readonly bytes: string;
    readonly gigabytes: string;
    readonly tokensPerSecond: string;
    readonly bound: string;
  }[];
  readonly files: readonly { readonly name: string; readonly what: string }[];
  readonly notes: readonly string[];
}
/** README.md of an exported project. */
export const projectReadme = (context: ProjectReadme): string => render("readme/project.md", context);
