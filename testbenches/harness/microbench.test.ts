/** The benches of the micro machine with a program of nine instructions. */
import assert from "node:assert/strict";
import { flashContents } from "../../generator/micro/board/flash.js";
import { chipRun, machineRun } from "./microbench.js";
import { CHIP, CONTENTS, EXPECTED, FLASH, REQUEST, STREAM } from "./microbench.testing.js";
import { runMicro } from "./microrun.js";

describe("benches of the micro machine", () => {
  it("bare: the prompt, then the chosen tokens", async () => {
    const { tokens, end } = await runMicro(machineRun(CONTENTS, STREAM, REQUEST), "embedded");
    assert.deepEqual([tokens, end.outcome], [EXPECTED, "done"]);
  });

  it("chip: from the flash, over the UART", async () => {
    const { tokens, end } = await runMicro(chipRun(CHIP, FLASH.bytes, REQUEST), "embedded");
    assert.deepEqual([tokens, end.outcome], [EXPECTED, "done"]);
    assert.deepEqual(
      [...end.finals],
      [
        ["saturated", 0n],
        ["identity", BigInt(FLASH.id)],
        ["refused", 0n],
        ["failed", 0n],
        ["flash_wrong", 0n],
      ],
    );
  });

  it("chip: a model for another program is reported, and nothing runs", async () => {
    const other = flashContents({ ...CONTENTS, program: CONTENTS.program.slice(1) }, STREAM);
    const { tokens, end } = await runMicro(
      chipRun(CHIP, other.bytes, { ...REQUEST, maxCycles: 30_000 }),
      "embedded",
    );
    assert.deepEqual([tokens, end.outcome], [[], "limit"]);
    assert.deepEqual([end.finals.get("failed"), end.finals.get("refused")], [1n, 1n]);
  });
});
