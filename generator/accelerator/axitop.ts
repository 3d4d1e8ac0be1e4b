/**
 * The outermost module, as vendor tools want it: names that Vitis and the IP packager expect (`ap_clk`, `ap_rst_n`, `interrupt`),
 * X_INTERFACE attributes on every port (UG994), whole AXI4 port groups. It renames, ties off and registers the resets; nothing else.
 */
import { emitVerilog } from "../hdl/index.js";
import type { Design } from "../hdl/ir.js";
import { CACHE_PORT, CONTROL_PORT } from "../isa/registers.js";

export const KERNEL = "gateloom_kernel";
/** Ports of the outermost module that belong to no AXI port. */
export const CLOCK = "ap_clk";
export const RESET = "ap_rst_n";
export const INTERRUPT = "interrupt";
/** The instance of everything in it. */
export const CORE_CELL = "u_gateloom";

interface TopPort {
  readonly direction: "input" | "output";
  readonly name: string;
  readonly width: number;
  /** Value of an output that nothing below drives; an input with one is not used. */
  readonly tied?: string;
  readonly attributes: readonly string[];
}
interface Clock {
  readonly inner: string;
  readonly outer: string;
  readonly innerReset: string;
  readonly outerReset: string;
}

const range = (width: number): string => (width === 1 ? "" : `[${width - 1}:0] `);
const info = (text: string): string => `(* X_INTERFACE_INFO = "${text}" *)`;
const parameter = (text: string): string => `(* X_INTERFACE_PARAMETER = "${text}" *)`;

/** Channels that a port which only reads does not use, tied so that they never say anything. */
const WRITE_GROUP: readonly (readonly [
  name: string,
  width: number | "addr" | "data" | "strobe",
  direction: TopPort["direction"],
  tied: string,
])[] = [
  ["awaddr", "addr", "output", "0"],
  ["awlen", 8, "output", "0"],
  ["awsize", 3, "output", "0"],
  ["awburst", 2, "output", "1"],
  ["awcache", 4, "output", "3"],
  ["awprot", 3, "output", "0"],
  ["awvalid", 1, "output", "0"],
  ["wdata", "data", "output", "0"],
  ["wstrb", "strobe", "output", "0"],
  ["wlast", 1, "output", "0"],
  ["wvalid", 1, "output", "0"],
  ["bready", 1, "output", "1"],
  ["awready", 1, "input", ""],
  ["wready", 1, "input", ""],
  ["bresp", 2, "input", ""],
  ["bvalid", 1, "input", ""],
];

/** The top module's ports by interface. */
const interfacesOf = (design: Design): Map<string, Omit<TopPort, "attributes">[]> => {
  const top = design.modules.get(design.top)!;
  const found = new Map<string, Omit<TopPort, "attributes">[]>();
  const put = (
    direction: TopPort["direction"],
    { name, width }: { readonly name: string; readonly width: number },
  ): void => {
    const bus = /^((?:s|m)_axi_[a-z]+\d*)_/.exec(name)?.[1];
    if (bus === undefined) return;
    found.set(bus, [...(found.get(bus) ?? []), { direction, name, width }]);
  };
  for (const p of top.inputs) put("input", p);
  for (const p of top.outputs) put("output", p);
  for (const [bus, ports] of found) {
    if (bus === CACHE_PORT || bus === CONTROL_PORT) continue;
    const widthOf = (suffix: string): number => ports.find((p) => p.name === `${bus}_${suffix}`)!.width;
    const widths = { addr: widthOf("araddr"), data: widthOf("rdata"), strobe: widthOf("rdata") / 8 };
    for (const [name, w, direction, tied] of WRITE_GROUP)
      ports.push({ direction, name: `${bus}_${name}`, width: typeof w === "number" ? w : widths[w], tied });
  }
  return found;
};

const clocksOf = (design: Design): Clock[] => {
  const top = design.modules.get(design.top)!;
  // The default domain first: `ap_clk` is what everything is associated with.
  const domains = [...top.domains].sort((a, b) => a.name.length - b.name.length);
  return domains.map(({ name, clock, reset }) => ({
    inner: clock,
    outer: name === "" ? "ap_clk" : "ap_clk_2",
    innerReset: reset!,
    outerReset: name === "" ? "ap_rst_n" : "ap_rst_n_2",
  }));
};

/** Module `name` around the module `gateloom_axi`. */
const wrapper = (design: Design, name: string): string => {
  const buses = interfacesOf(design);
  const clocks = clocksOf(design);
  const ports: TopPort[] = [];
  for (const { outer, outerReset } of clocks) {
    const busses = outer === "ap_clk" ? `, ASSOCIATED_BUSIF ${[...buses.keys()].join(":")}` : "";
    ports.push(
      {
        direction: "input",
        name: outer,
        width: 1,
        attributes: [
          info(`xilinx.com:signal:clock:1.0 ${outer} CLK`),
          parameter(`XIL_INTERFACENAME ${outer}${busses}, ASSOCIATED_RESET ${outerReset}`),
        ],
      },
      {
        direction: "input",
        name: outerReset,
        width: 1,
        attributes: [
          info(`xilinx.com:signal:reset:1.0 ${outerReset} RST`),
          parameter(`XIL_INTERFACENAME ${outerReset}, POLARITY ACTIVE_LOW`),
        ],
      },
    );
  }
  for (const [bus, list] of buses)
    for (const [i, port] of list.entries()) {
      const signal = port.name.slice(bus.length + 1).toUpperCase();
      const mode = bus === CONTROL_PORT ? "slave" : "master";
      ports.push({
        ...port,
        attributes: [
          info(`xilinx.com:interface:aximm:1.0 ${bus} ${signal}`),
          ...(i === 0 ? [`(* X_INTERFACE_MODE = "${mode}" *)`] : []),
        ],
      });
    }
  ports.push({
    direction: "output",
    name: "interrupt",
    width: 1,
    attributes: [
      info("xilinx.com:signal:interrupt:1.0 interrupt INTERRUPT"),
      parameter("XIL_INTERFACENAME interrupt, SENSITIVITY LEVEL_HIGH"),
    ],
  });
  const declared = ports.map(
    ({ attributes, direction, width, name }) =>
      `${attributes.map((a) => `  ${a}\n`).join("")}  ${direction.padEnd(6)} wire ${range(width)}${name}`,
  );
  const connected = [
    ...clocks.flatMap((k) => [
      [k.inner, k.outer],
      [k.innerReset, k.innerReset],
    ]),
    ...[...buses.values()].flat().flatMap((p) => (p.tied === undefined ? [[p.name, p.name]] : [])),
    ["irq", "interrupt"],
  ];
  const unused = ports.filter((p) => p.direction === "input" && p.tied !== undefined).map((p) => p.name);
  return `// Outermost module: vendor names, interfaces, whole port groups. Generated by gateloom.
// Reset is active low and synchronous; of two clocks both resets have to be low together for some cycles of each.
\`default_nettype none

// verilator lint_off SYMRSVDWORD
module ${name} (
${declared.join(",\n")}
);
// verilator lint_on SYMRSVDWORD
${clocks
  .map(
    (k) => `  reg  ${k.innerReset} = 1'b1;
  always @(posedge ${k.outer}) ${k.innerReset} <= ~${k.outerReset};
`,
  )
  .join("")}
  ${design.top} ${CORE_CELL} (
${connected.map(([inner, outer]) => `    .${inner}(${outer})`).join(",\n")}
  );
${ports
  .filter((p) => p.direction === "output" && p.tied !== undefined)
  .map((p) => `  assign ${p.name} = ${p.width}'d${p.tied};\n`)
  .join("")}
  // Bits that nothing reads.
  wire unused_ok = &{1'b0${unused.map((n) => `, ${n}`).join("")}};
endmodule

\`default_nettype wire
`;
};

/** Verilog of a design made by axiaccelerator.ts, with the outermost module. */
export const emitKernel = (design: Design, name = KERNEL): Map<string, string> =>
  new Map([...emitVerilog(design), [`${name}.v`, wrapper(design, name)]]);
