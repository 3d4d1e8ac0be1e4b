/** 504 damaged files (fuzz.bench.ts: many more), and that the fuzzer would notice. */
import assert from "node:assert/strict";
import { Random } from "../model/prng.js";
import { InputError } from "./error.js";
import { damagedFile, fuzz } from "./fuzz.testing.js";
import { mutate } from "./fuzzMutate.testing.js";
import { fuzzFolders } from "./fuzzFolders.testing.js";
import { fuzzTargets } from "./fuzzTargets.testing.js";

const COUNT = 28;
const MEMORY = 512 << 20;

describe("damaged files", () => {
  const folders = fuzzFolders();
  after(() => folders.remove());

  for (const target of [...fuzzTargets(), ...folders.targets])
    it(`${target.name}: read, or refused with file, fault and remedy`, async () => {
      await target.read(target.file);
      const before = process.memoryUsage.rss();
      const { accepted, refused, failures } = await fuzz(target, COUNT, 1);
      assert.deepEqual(failures, []);
      assert.equal(accepted + refused, COUNT);
      assert.ok(refused >= COUNT / 4, `only ${refused} of ${COUNT} were refused`);
      const grown = process.memoryUsage.rss() - before;
      assert.ok(grown < MEMORY, `memory grew by ${grown} bytes`);
    });

  it("the same dice do the same damage, and never to the good file", () => {
    const target = fuzzTargets().find(({ name }) => name === "demo")!;
    const good = Uint8Array.from(target.file);
    assert.deepEqual(damagedFile(target, 3, 5), damagedFile(target, 3, 5));
    assert.notDeepEqual(damagedFile(target, 3, 5), damagedFile(target, 3, 6));
    assert.deepEqual(Uint8Array.from(target.file), good);
  });

  it("any length can be damaged", () => {
    const random = new Random(1);
    for (let length = 0; length < 40; length++)
      for (let i = 0; i < 50; i++) mutate(new Uint8Array(length), 16, random);
  });

  it("crashes and errors without a place count as failures", async () => {
    const throwing = (error: unknown) => ({
      name: "bad",
      file: new Uint8Array(20),
      header: 20,
      read: () => {
        throw error;
      },
    });
    for (const error of [
      new RangeError("Invalid array length"),
      new Error("x"),
      new InputError("x", { file: "" }, "y"),
    ]) {
      const { accepted, refused, failures } = await fuzz(throwing(error), 3, 1);
      assert.deepEqual([accepted, refused], [0, 0]);
      assert.deepEqual(
        failures.map((failure) => failure.error),
        [error, error, error],
      );
    }
    assert.equal((await fuzz(throwing(new InputError("x", { file: "f" }, "y")), 3, 1)).refused, 3);
  });
});
