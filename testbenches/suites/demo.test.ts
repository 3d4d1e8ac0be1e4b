import assert from "node:assert/strict";
import { tokenWork } from "../../generator/estimate/work.js";
import { defaultConfig } from "../../generator/isa/config.js";
import { runSession } from "../harness/session.js";
import { buildSystem } from "../harness/system.js";
import { demoModel, demoTokenizer } from "./demo.js";
import { quiet } from "./quiet.js";

describe("the demo model on generated RTL", () => {
  const model = demoModel();
  const prompt = demoTokenizer().encode("Once upon a time");
  const onchip = { kib: 128, bounded: true };

  it("writes 70 tokens on the embedded engine, every tensor equal to golden, at 70 % slot utilisation at position 64", async () => {
    const system = buildSystem(model, defaultConfig, onchip);
    const total = prompt.length + 69;
    const result = await runSession(
      system,
      { prompt, total, seed: 1, maxCycles: 2_000_000 },
      "embedded",
      100,
      quiet,
    );
    assert.deepEqual(result.mismatches, []);
    assert.equal(result.end.outcome, "done");
    assert.equal(result.saturated, false);
    // Token k is that of position promptLength - 1 + k; what its position took is the distance to the token before.
    const k = 64 - (prompt.length - 1);
    const cycles = result.tokenCycles[k]! - result.tokenCycles[k - 1]!;
    const utilisation = tokenWork(model, 65, true).slots / (64 * cycles);
    assert.ok(utilisation >= 0.7, `${(100 * utilisation).toFixed(1)} % at position 64 (${cycles} cycles)`);
    const text = demoTokenizer().decode([...prompt, ...result.tokens]);
    assert.match(text, /^Once upon a time, there was /);
  });

  it("writes two tokens on Icarus, from reset, without an unknown bit", async () => {
    const system = buildSystem(model, defaultConfig, onchip);
    const result = await runSession(
      system,
      { prompt: prompt.slice(0, 2), total: 3, seed: 1, maxCycles: 100_000 },
      "icarus",
      100,
      quiet,
    );
    assert.deepEqual(result.mismatches, []);
    assert.equal(result.tokens.length, 2);
  });

  it("writes 64 tokens on Verilator with random stalls of the memory", async function () {
    this.timeout(300_000);
    const system = buildSystem(model, defaultConfig, { ...onchip, stall: 4 });
    const total = prompt.length + 63;
    const result = await runSession(
      system,
      { prompt, total, seed: 20_26, maxCycles: 4_000_000 },
      "verilator",
      100,
      quiet,
    );
    assert.deepEqual(result.mismatches, []);
    assert.equal(result.tokens.length, 64);
  });
});
