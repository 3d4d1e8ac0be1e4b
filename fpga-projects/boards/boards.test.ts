/** The board table holds together: what exporters and lint rely on. */
import assert from "node:assert/strict";
import { BOARDS, boardNames, boardOf } from "./index.js";

describe("boards", () => {
  it("names are unique and found", () => {
    assert.equal(new Set(boardNames()).size, BOARDS.length);
    for (const board of BOARDS) assert.equal(boardOf(board.name), board);
    assert.equal(boardOf("u50"), undefined);
  });

  for (const board of BOARDS)
    it(`${board.name}: every figure has a source; flow, memory and pins agree`, () => {
      const { device, memory, flow, pins } = board;
      const figures = [
        device.lut,
        device.ff,
        device.dsp,
        device.bram.count,
        ...(device.largeRam ? [device.largeRam.count] : []),
        board.oscillatorMHz,
        board.clockMHz,
        ...(memory ? [memory.bytes, memory.bytesPerSecond] : []),
      ];
      for (const { value, source } of figures) {
        assert.ok(source.length > 3);
        assert.ok(value === null || value > 0);
      }
      const inside = flow.kind === "fabric" || flow.kind === "open";
      assert.equal(memory === null, inside, "models lie either outside or inside the FPGA");
      assert.deepEqual(
        pins.map(({ port }) => port).sort(),
        inside ? ["clk", "led", "reset_n", "rx", "tx"] : flow.kind === "alveo" ? ["hbm_cattrip"] : [],
      );
      assert.equal(new Set(pins.map(({ pin }) => pin)).size, pins.length);
      assert.equal(board.boardPart === null, flow.kind === "open");
      if (flow.kind === "alveo") {
        assert.equal(flow.hbmBanks * flow.hbmBankBytes, memory!.bytes.value);
        assert.equal(Number.parseInt(flow.card.hbmDensity, 10) * 2 ** 30, memory!.bytes.value);
        assert.ok(flow.card.source.length > 3 && board.oscillatorMHz.value === 100);
      }
      const families = { zynq7: "xc7", zynqmp: "xcup", alveo: "xcup", versal: "versal" } as const;
      if (!inside) assert.equal(device.fabric, families[flow.kind]);
    });
});
