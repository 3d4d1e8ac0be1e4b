/** Reads damaged files and counts what becomes of them. */
import { Random } from "../model/prng.js";
import { InputError } from "./error.js";
import { mutate } from "./fuzzMutate.testing.js";
import type { FuzzTarget } from "./fuzzTargets.testing.js";

export interface FuzzCount {
  readonly name: string;
  accepted: number;
  /** With an InputError that names the file and says what to do. */
  refused: number;
  /** Anything else: number of the file (its dice), and the error. */
  readonly failures: { readonly file: number; readonly error: unknown }[];
  /** Longest reading of one file, ms. */
  slowest: number;
}

/** Damaged file number `index` of a target: the same for the same numbers. */
export function damagedFile(target: FuzzTarget, seed: number, index: number): Uint8Array {
  return mutate(target.file, target.header, new Random(Math.imul(seed, 1000003) + index));
}

/** What a user can act on: the file is named, the fault and the remedy are said. */
function isRefusal(error: unknown): boolean {
  return error instanceof InputError && error.where.file !== "" && error.what !== "" && error.remedy !== "";
}

/** `count` damaged files of one target. */
export async function fuzz(target: FuzzTarget, count: number, seed: number): Promise<FuzzCount> {
  const result: FuzzCount = { name: target.name, accepted: 0, refused: 0, failures: [], slowest: 0 };
  for (let index = 0; index < count; index++) {
    const bytes = damagedFile(target, seed, index);
    const start = performance.now();
    try {
      await target.read(bytes);
      result.accepted++;
    } catch (error) {
      if (isRefusal(error)) result.refused++;
      else result.failures.push({ file: index, error });
    }
    result.slowest = Math.max(result.slowest, performance.now() - start);
  }
  return result;
}
