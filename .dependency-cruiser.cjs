/** The house: who may import whom (README, "Where things are"). Test files may import the harness and golden from anywhere. */
const rooms = {
  "golden/contract": [],
  golden: ["golden"],
  "generator/hdl": [],
  "generator/isa": [],
  "generator/tools": [],
  "generator/library": ["generator/hdl"],
  "generator/simulate": ["generator/hdl"],
  "generator/engines": ["generator/hdl", "generator/library", "generator/isa", "rtl-templates"],
  "generator/units": ["generator/hdl", "generator/library", "generator/isa", "generator/engines", "golden/contract"],
  "generator/accelerator": ["generator/hdl", "generator/library", "generator/isa", "generator/engines", "generator/units"],
  "generator/compile": ["generator/isa", "generator/engines/formats", "golden/model/types.ts"],
  // The accelerator for the smallest FPGAs is whole in itself: data, microprogram and RTL.
  "generator/micro": ["generator/hdl", "generator/library", "generator/isa", "generator/engines/dsp", "generator/tools", "golden/model/types.ts", "golden/contract", "rtl-templates"],
  "generator/estimate": ["generator"],
  "rtl-templates": ["generator/hdl"],
  "testbenches/harness": ["generator", "golden", "rtl-templates"],
  "testbenches/suites": ["generator", "golden", "rtl-templates", "testbenches", "fpga-projects"],
  "fpga-projects": ["generator", "rtl-templates", "golden"],
};
const names = Object.keys(rooms);
/** A room's own path, without the rooms that lie inside it. */
const inside = (name) => names.filter((other) => other !== name && other.startsWith(`${name}/`)).map((other) => `^${other}/`);

module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    { name: "not-resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    ...names.map((name) => ({
      name: `from ${name}`,
      severity: "error",
      from: { path: `^${name}/`, pathNot: ["(\\.|/)(test|testing)\\.ts$", "/(bench|toolcheck)\\.ts$", ...inside(name)] },
      to: {
        path: "^(cli|fpga-projects|generator|golden|rtl-templates|testbenches)/",
        pathNot: [`^${name}/`, ...rooms[name].map((to) => `^${to}`)],
      },
    })),
  ],
  options: {
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|build)/" },
    webpackConfig: { fileName: ".dependency-cruiser.resolve.cjs" },
    enhancedResolveOptions: { extensions: [".ts", ".js"] },
  },
};
