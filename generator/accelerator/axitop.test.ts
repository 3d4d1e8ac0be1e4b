import assert from "node:assert/strict";
import { elaborate } from "../hdl/index.js";
import { expectText } from "../hdl/expect.testing.js";
import { defaultConfig } from "../isa/config.js";
import { lint } from "../tools/lint.js";
import { axiAccelerator } from "./axiaccelerator.js";
import { emitKernel, KERNEL } from "./axitop.js";

const base = { addressBits: 64, outstanding: 8, burst: 16 } as const;

describe("kernel", () => {
  it("lints clean in Verilator, Icarus and Yosys", async () => {
    const axi = { ...base, masters: 2, dataBits: 32, clocks: 2 } as const;
    for (const { tool, output } of await lint(
      emitKernel(elaborate(axiAccelerator(defaultConfig, axi))),
      KERNEL,
    ))
      assert.equal(output, "", tool);
  });

  it("has the ports that Vitis expects, each with its interface", () => {
    const files = emitKernel(
      elaborate(
        axiAccelerator(defaultConfig, { ...base, addressBits: 40, masters: 1, dataBits: 32, clocks: 2 }),
      ),
    );
    const lines = (files.get(`${KERNEL}.v`) ?? "").split("\n").map((l) => l.trim());
    const isPort = (l: string): boolean => /^(input|output) /.test(l);
    for (const [i, line] of lines.entries()) {
      if (!isPort(line)) continue;
      const name = /(\w+),?$/.exec(line)![1]!;
      const above = lines.slice(0, i).reverse();
      const attributes = above
        .slice(
          0,
          above.findIndex((l) => !l.startsWith("(*")),
        )
        .join(" ");
      const bus = /^([sm]_axi_[a-z]+\d*)_(\w+)$/.exec(name);
      const wanted =
        bus === null
          ? ` ${name} [A-Z]+"`
          : `xilinx.com:interface:aximm:1.0 ${bus[1]} ${bus[2]!.toUpperCase()}"`;
      assert.match(attributes, new RegExp(`X_INTERFACE_INFO = "[^"]*${wanted}`), name);
    }
    assert.match(
      lines.join("\n"),
      /ASSOCIATED_BUSIF s_axi_control:m_axi_cache:m_axi_gmem0, ASSOCIATED_RESET ap_rst_n"/,
    );
    const shown = lines.filter((l) => isPort(l) && /ap_|interrupt|gmem0/.test(l)).join("\n");
    expectText(
      shown,
      `
      input  wire ap_clk,
      input  wire ap_rst_n,
      input  wire ap_clk_2,
      input  wire ap_rst_n_2,
      input  wire m_axi_gmem0_arready,
      input  wire [31:0] m_axi_gmem0_rdata,
      input  wire [1:0] m_axi_gmem0_rresp,
      input  wire m_axi_gmem0_rlast,
      input  wire m_axi_gmem0_rvalid,
      output wire [39:0] m_axi_gmem0_araddr,
      output wire [7:0] m_axi_gmem0_arlen,
      output wire [2:0] m_axi_gmem0_arsize,
      output wire [1:0] m_axi_gmem0_arburst,
      output wire [3:0] m_axi_gmem0_arcache,
      output wire [2:0] m_axi_gmem0_arprot,
      output wire m_axi_gmem0_arvalid,
      output wire m_axi_gmem0_rready,
      output wire [39:0] m_axi_gmem0_awaddr,
      output wire [7:0] m_axi_gmem0_awlen,
      output wire [2:0] m_axi_gmem0_awsize,
      output wire [1:0] m_axi_gmem0_awburst,
      output wire [3:0] m_axi_gmem0_awcache,
      output wire [2:0] m_axi_gmem0_awprot,
      output wire m_axi_gmem0_awvalid,
      output wire [31:0] m_axi_gmem0_wdata,
      output wire [3:0] m_axi_gmem0_wstrb,
      output wire m_axi_gmem0_wlast,
      output wire m_axi_gmem0_wvalid,
      output wire m_axi_gmem0_bready,
      input  wire m_axi_gmem0_awready,
      input  wire m_axi_gmem0_wready,
      input  wire [1:0] m_axi_gmem0_bresp,
      input  wire m_axi_gmem0_bvalid,
      output wire interrupt
    `,
    );
  });
});
