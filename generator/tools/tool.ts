import { execa } from "execa";

/** An external program that Gateloom can drive; nothing of the main job needs one. */
export interface Tool {
  readonly command: string;
  readonly versionArgs: readonly string[];
  /** Of tools that say their version only when asked on their input. */
  readonly versionInput?: string;
  readonly debianPackage: string;
  readonly purpose: string;
}

export const TOOLS = {
  verilator: {
    command: "verilator",
    versionArgs: ["--version"],
    debianPackage: "verilator",
    purpose: "fast simulation, lint",
  },
  gxx: {
    command: "g++",
    versionArgs: ["--version"],
    debianPackage: "g++",
    purpose: "compiles Verilator models",
  },
  make: {
    command: "make",
    versionArgs: ["--version"],
    debianPackage: "make",
    purpose: "builds Verilator models",
  },
  iverilog: {
    command: "iverilog",
    versionArgs: ["-V"],
    debianPackage: "iverilog",
    purpose: "four-state cross-check, lint",
  },
  vvp: { command: "vvp", versionArgs: ["-V"], debianPackage: "iverilog", purpose: "runs Icarus simulations" },
  yosys: {
    command: "yosys",
    versionArgs: ["-V"],
    debianPackage: "yosys",
    purpose: "lint, resource counts, proofs",
  },
  smtbmc: {
    command: "yosys-smtbmc",
    versionArgs: ["--help"],
    debianPackage: "yosys",
    purpose: "formal proofs",
  },
  abc: {
    command: "yosys-abc",
    versionArgs: ["-c", "version"],
    debianPackage: "yosys",
    purpose: "formal proofs, equivalence",
  },
  tclsh: {
    command: "tclsh",
    versionArgs: [],
    versionInput: "puts [info patchlevel]",
    debianPackage: "tcl",
    purpose: "lint of exported Tcl",
  },
  z3: { command: "z3", versionArgs: ["--version"], debianPackage: "z3", purpose: "solver for formal proofs" },
} as const satisfies Record<string, Tool>;
export type ToolName = keyof typeof TOOLS;

/** A tool is missing or failed to start: exit code 2, with the command that installs it. */
export class MissingToolError extends Error {
  constructor(
    readonly tools: readonly ToolName[],
    why: string,
  ) {
    const packages = [...new Set(tools.map((t) => TOOLS[t].debianPackage))].join(" ");
    const names = tools.map((t) => `'${TOOLS[t].command}'`).join(", ");
    super(
      `${names} not found (${why}).\n  Install: sudo apt-get install ${packages}   (Debian, Ubuntu)\n  Or use the embedded engine, which needs nothing: --engine embedded`,
    );
    this.name = "MissingToolError";
  }
}

export interface Found {
  readonly name: ToolName;
  /** First line of what the tool says of its version; null when it is absent. */
  readonly version: string | null;
}

/** Asks a tool for its version; absent tools are an answer, not an error. */
export const find = async (name: ToolName): Promise<Found> => {
  const tool: Tool = TOOLS[name];
  const result = await execa(tool.command, tool.versionArgs, {
    reject: false,
    timeout: 20_000,
    input: tool.versionInput ?? "",
  });
  if (result.code === "ENOENT") return { name, version: null };
  const line = `${result.stdout}\n${result.stderr}`.split("\n").find((l) => l.trim() !== "") ?? "";
  return { name, version: line.trim() };
};

export const findAll = (): Promise<Found[]> => Promise.all((Object.keys(TOOLS) as ToolName[]).map(find));

/** Throws MissingToolError naming every absent tool of the list. */
export const requireTools = async (names: readonly ToolName[], why: string): Promise<void> => {
  const found = await Promise.all(names.map(find));
  const absent = found.filter((f) => f.version === null).map((f) => f.name);
  if (absent.length > 0) throw new MissingToolError(absent, why);
};
