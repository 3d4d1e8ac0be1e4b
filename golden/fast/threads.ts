/**
 * Worker threads that run steps together with the main thread. They live entirely in WebAssembly: asleep on a word of the
 * shared memory between runs. They are no reason for a process to stay alive.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { type Exports, kernelModule } from "./kernels/kernels.js";
import { CONTROL } from "./kernels/memory.js";
import type { Steps } from "./steps.js";

/** How long threads may take to come up. */
const PATIENCE = 30_000;
const MAIN_FAULT = 1;

/** Of a worker, as text, so that it needs no file beside it in whatever way this program is packed. */
const WORKER = `
const { workerData } = require("node:worker_threads");
const { module, memory, area, thread, threads, control, port } = workerData;
try {
  const { setArea, serve } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  setArea(area);
  serve(thread, threads);
} catch (error) {
  port.postMessage(String(error));
  const words = new Int32Array(memory.buffer);
  Atomics.compareExchange(words, control.fault / 4, 0, thread + 1); // those who wait for it trap too: the first counts
  for (const name of ["ready", "start", "generation"]) Atomics.notify(words, control[name] / 4);
}
port.close();
`;

let compiled: WebAssembly.Module | undefined;

interface Served {
  readonly worker: Worker;
  readonly port: MessagePort;
}

export class Threads {
  private readonly main: Exports;
  private readonly words: Int32Array;
  private readonly workers: Served[] = [];
  private closed = false;
  private failure: string | null = null;

  constructor(
    memory: WebAssembly.Memory,
    /** Each thread's own memory, the main thread's first. */
    private readonly areas: readonly number[],
  ) {
    compiled ??= new WebAssembly.Module(kernelModule());
    this.words = new Int32Array(memory.buffer);
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
    this.main = exports as unknown as Exports;
    this.main.setArea(areas[0]!);
    const threads = areas.length;
    for (let thread = 1; thread < threads; thread++) {
      const { port1: port, port2 } = new MessageChannel();
      const worker = new Worker(WORKER, {
        eval: true,
        execArgv: [],
        workerData: {
          ...{ module: compiled, memory, area: areas[thread]! },
          ...{ thread, threads, control: CONTROL, port: port2 },
        },
        transferList: [port2],
      });
      worker.unref();
      port.unref();
      worker.on("error", (error) => {
        this.failure ??= `worker thread ${thread}: ${error.message}`;
      });
      worker.on("exit", () => {
        if (!this.closed) this.failure ??= `worker thread ${thread} has ended`;
      });
      this.workers.push({ worker, port });
    }
    this.awaitReady();
  }

  /** One run through some steps by all threads. */
  run(steps: Steps): void {
    if (this.closed) throw new Error("this model is closed");
    if (this.failure !== null) throw new Error(this.failure);
    this.words[CONTROL.steps / 4] = steps.address;
    this.words[CONTROL.count / 4] = steps.count;
    try {
      this.main.start(this.areas.length);
    } catch (error) {
      const message = this.faultMessage();
      Atomics.compareExchange(this.words, CONTROL.fault / 4, 0, MAIN_FAULT); // sets free who waits at a barrier
      this.close();
      throw message === null ? error : new Error(message);
    }
  }

  /** Ends the threads. */
  close(): void {
    this.closed = true;
    Atomics.store(this.words, CONTROL.stop / 4, 1);
    Atomics.add(this.words, CONTROL.start / 4, 1);
    Atomics.notify(this.words, CONTROL.start / 4);
    for (const { port } of this.workers) port.close();
  }

  private awaitReady(): void {
    const deadline = performance.now() + PATIENCE;
    for (;;) {
      const ready = Atomics.load(this.words, CONTROL.ready / 4);
      if (ready === this.workers.length) return;
      const fault = this.faultMessage();
      const left = deadline - performance.now();
      if (fault !== null || left <= 0) {
        this.close();
        throw new Error(fault ?? `worker threads did not start within ${PATIENCE / 1000} s; use threads: 1`);
      }
      Atomics.wait(this.words, CONTROL.ready / 4, ready, left);
    }
  }

  private faultMessage(): string | null {
    const fault = Atomics.load(this.words, CONTROL.fault / 4);
    if (fault === 0 || fault === MAIN_FAULT) return null;
    const thread = fault - 1;
    const message = receiveMessageOnPort(this.workers[thread - 1]!.port);
    return `worker thread ${thread}: ${message ? String(message.message) : "failed"}`;
  }
}
