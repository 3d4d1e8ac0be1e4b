/** Yosys in WebAssembly, in a process of its own: one for all that a command wants of it. */
import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { YosysAnswer, YosysRequest } from "./yosysProcess.js";

export type { YosysAnswer, YosysRequest };

/** Of TypeScript, in a checkout. */
const loader = (): string => pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** Starts with the first request. Close it, or the program does not end. */
export class YosysProcess {
  private child: ChildProcess | undefined;
  private readonly kill = (): void => {
    this.child?.kill("SIGKILL");
  };

  run(request: YosysRequest): Promise<YosysAnswer> {
    const child = this.start();
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error("the process that runs Yosys ended without an answer"));
      child.once("exit", ended);
      child.once("message", (answer: YosysAnswer) => {
        child.off("exit", ended);
        resolve(answer);
      });
      child.send(request);
    });
  }

  private start(): ChildProcess {
    if (this.child !== undefined) return this.child;
    const here = fileURLToPath(import.meta.url);
    const extension = path.extname(here); // .ts in a checkout, .js in the package
    this.child = fork(path.join(path.dirname(here), `yosysProcess${extension}`), {
      execArgv: extension === ".ts" ? ["--import", loader()] : [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    process.once("exit", this.kill);
    return this.child;
  }

  close(): void {
    process.off("exit", this.kill);
    this.kill();
    this.child = undefined;
  }
}
