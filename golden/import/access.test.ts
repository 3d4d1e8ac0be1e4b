/** Both kinds of access give the same bytes and the same refusals. */
import assert from "node:assert/strict";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessBytes, openFile } from "./access.js";
import type { RandomAccess } from "./source.js";

describe("access", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gateloom-access-"));
    await writeFile(join(folder, "a.bin"), Uint8Array.of(1, 2, 3, 4, 5));
  });
  after(() => rm(folder, { recursive: true }));

  const kinds: [string, () => Promise<RandomAccess>][] = [
    ["a file", () => openFile(join(folder, "a.bin"), "a.bin")],
    ["bytes", async () => accessBytes(Uint8Array.of(1, 2, 3, 4, 5), "a.bin")],
  ];
  for (const [kind, make] of kinds) {
    it(`${kind}: ranges inside, and no others`, async () => {
      const access = await make();
      assert.equal(access.size, 5);
      assert.deepEqual([...(await access.read(1, 3))], [2, 3, 4]);
      assert.deepEqual([...(await access.read(5, 0))], []);
      const refusals: [number, number, RegExp][] = [
        [3, 3, /^a\.bin, byte 3: 3 bytes are needed here but the file has 5\. The file is cut off/],
        [6, 0, /^a\.bin, byte 6: 0 bytes are needed here but the file has 5\./],
        [0, 2 ** 53, /^a\.bin: a range of 9007199254740992 bytes at byte 0 makes no sense\./],
        [-1, 1, /^a\.bin: a range of 1 bytes at byte -1 makes no sense\./],
        [Number.NaN, 1, /makes no sense/],
      ];
      for (const [offset, length, message] of refusals)
        await assert.rejects(access.read(offset, length), { name: "InputError", message });
      await access.close();
    });
  }

  it("a file that shrinks while it is read is refused", async () => {
    const path = join(folder, "shrinks.bin");
    await writeFile(path, new Uint8Array(100));
    const access = await openFile(path, "shrinks.bin");
    await truncate(path, 10);
    await assert.rejects(access.read(0, 100), {
      name: "InputError",
      message: /^shrinks\.bin, byte 0: 100 bytes are needed here but the file has 10\./,
    });
    await access.close();
  });

  it("what is missing or no file is refused", async () => {
    await assert.rejects(openFile(join(folder, "none"), "none"), {
      name: "InputError",
      message: "none: the file cannot be opened (ENOENT). Check the path and who may read it.",
    });
    await assert.rejects(openFile(folder, "folder"), {
      name: "InputError",
      message: "folder: this is not a file. Give the file itself.",
    });
  });
});
