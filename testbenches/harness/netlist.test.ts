/** One module of the chip as iCE40 cells, the rest as it is described; a fault in the cells is seen. */
import assert from "node:assert/strict";
import { chipRun } from "./microbench.js";
import { CHIP, EXPECTED, FLASH, REQUEST } from "./microbench.testing.js";
import { runMicro } from "./microrun.js";
import { afterSynthesis, ice40Netlist, planted } from "./netlist.js";

const MODULE = "flash_loader";

describe("runs after synthesis", function () {
  this.timeout(300_000);

  it("the loader as cells in Icarus: the same tokens in the same cycles; with a bit of its CRC upside down, none", async () => {
    const run = chipRun(CHIP, FLASH.bytes, { ...REQUEST, maxCycles: 10_000 });
    const netlist = await ice40Netlist(run.design, MODULE);
    assert.match(netlist, /SB_LUT4/);
    const described = await runMicro(run, "embedded");
    const good = await runMicro(await afterSynthesis(run, MODULE, netlist), "icarus");
    assert.deepEqual(
      [good.tokens, good.end.outcome, good.end.cycles],
      [EXPECTED, "done", described.end.cycles],
    );
    const bad = await runMicro(await afterSynthesis(run, MODULE, planted(netlist, "crc", 5)), "icarus");
    assert.deepEqual([bad.tokens, bad.end.outcome, bad.end.finals.get("failed")], [[], "limit", 1n]);
  });
});
