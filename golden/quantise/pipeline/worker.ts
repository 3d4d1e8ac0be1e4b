/** A thread of the pool: does what it is sent. */
import { parentPort } from "node:worker_threads";
import { type Job, perform } from "./jobs.js";

export interface Order {
  readonly job: Job;
  readonly from: number;
  readonly to: number;
}

/** An error's class is lost between threads: its name and message travel. */
export type Answer = { readonly name: string; readonly message: string } | null;

parentPort?.on("message", ({ job, from, to }: Order) => {
  let answer: Answer = null;
  try {
    perform(job, from, to);
  } catch (error) {
    answer =
      error instanceof Error
        ? { name: error.name, message: error.message }
        : { name: "Error", message: String(error) };
  }
  parentPort?.postMessage(answer);
});
