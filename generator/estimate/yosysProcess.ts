/** A process that runs Yosys in WebAssembly: synthesis computes for many seconds, and the command line must still hear Ctrl-C. */
import { runYosys } from "@yowasp/yosys";

export interface YosysRequest {
  readonly script: string;
  readonly files: Readonly<Record<string, string>>;
  /** Files the script writes that are wanted back. */
  readonly wanted: readonly string[];
}
/** `log` holds what Yosys printed, which is its errors and warnings. */
export type YosysAnswer =
  | { readonly ok: true; readonly files: Readonly<Record<string, string>>; readonly log: string }
  | { readonly ok: false; readonly log: string };

const text = (content: unknown): string =>
  content instanceof Uint8Array ? Buffer.from(content).toString("utf8") : String(content);

process.on("message", async ({ script, files, wanted }: YosysRequest) => {
  let log = "";
  const collect = (bytes: Uint8Array | null): void => {
    if (bytes !== null) log += Buffer.from(bytes).toString("utf8");
  };
  let answer: YosysAnswer;
  try {
    const tree = await runYosys(["-q", "-p", script], { ...files }, { stdout: collect, stderr: collect });
    answer = { ok: true, files: Object.fromEntries(wanted.map((name) => [name, text(tree?.[name])])), log };
  } catch (error) {
    answer = { ok: false, log: log || String(error) };
  }
  process.send?.(answer);
});
