/** Jobs spread over worker threads; with one thread they are done here. Arrays of jobs must be shared (see `shared`). */
import { once } from "node:events";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { type Job, perform } from "./jobs.js";
import type { Answer, Order } from "./worker.js";

export interface Pool {
  /** Does all `count` items; rejects with the first error, when every thread has stopped. */
  run(job: Job, count: number): Promise<void>;
  close(): Promise<void>;
}

/** Items of a job are cut into so many parts per thread, for threads are not equally fast. */
const PARTS = 4;

export function openPool(threads: number): Pool {
  return threads > 1 ? new Threads(threads) : HERE;
}

const HERE: Pool = {
  run: async (job, count) => {
    for (const [from, to] of partsOf(job, count, 1)) {
      perform(job, from, to);
      await new Promise(setImmediate); // signals are seen between parts
    }
  },
  close: async () => {},
};

/** The column order of GPTQ has a preparation of its own, which every part repeats. */
function partsOf(job: Job, count: number, threads: number): [number, number][] {
  const repeated = (job.kind === "round" && job.inputs !== null) || job.kind === "measure";
  const parts = Math.min(count, repeated ? threads : PARTS * threads);
  return Array.from({ length: parts }, (_, n) => [
    Math.floor((n * count) / parts),
    Math.floor(((n + 1) * count) / parts),
  ]);
}

/** Sources run through tsx, which a thread has to load for itself; the built package needs nothing. */
function openWorker(): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./worker.js", import.meta.url));
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx/package.json"));
  const loader = new URL("./dist/esm/api/index.mjs", tsx).href; // as tsx/esm/api names it for import
  const file = new URL("./worker.ts", import.meta.url).href;
  const start = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(file)}); });`;
  return new Worker(start, { eval: true, execArgv: [] });
}

class Threads implements Pool {
  private readonly workers: Worker[];

  constructor(threads: number) {
    this.workers = Array.from({ length: threads }, openWorker);
  }

  async run(job: Job, count: number): Promise<void> {
    const parts = partsOf(job, count, this.workers.length);
    const failed: Error[] = [];
    await Promise.all(
      this.workers.map(async (worker) => {
        for (let part = parts.shift(); part !== undefined && failed.length === 0; part = parts.shift()) {
          const order: Order = { job, from: part[0], to: part[1] };
          worker.postMessage(order);
          const [answer]: Answer[] = await once(worker, "message");
          if (answer)
            failed.push(
              answer.name === "RangeError" ? new RangeError(answer.message) : new Error(answer.message),
            );
        }
      }),
    );
    if (failed[0] !== undefined) throw failed[0];
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}

/** Work space that threads see. Buffers are kept by name and grow, so that a layer takes those of the layer before. */
export class Workspace {
  private readonly buffers = new Map<string, SharedArrayBuffer>();

  floats(name: string, count: number): Float32Array {
    return new Float32Array(this.bytes(name, 4 * count), 0, count);
  }

  doubles(name: string, count: number): Float64Array {
    return new Float64Array(this.bytes(name, 8 * count), 0, count);
  }

  codes(name: string, count: number): Int8Array {
    return new Int8Array(this.bytes(name, count), 0, count);
  }

  octets(name: string, count: number): Uint8Array {
    return new Uint8Array(this.bytes(name, count), 0, count);
  }

  private bytes(name: string, count: number): SharedArrayBuffer {
    const known = this.buffers.get(name);
    if (known !== undefined && known.byteLength >= count) return known;
    const fresh = new SharedArrayBuffer(count);
    this.buffers.set(name, fresh);
    return fresh;
  }
}
