/** For tests: the machine with a plain stream memory in the embedded engine, its registers by the names of the specification. */
import { bool, defineModule, elaborate, Mem, uint, wire } from "../../hdl/index.js";
import { type Handle, simulate, type Simulation } from "../../simulate/index.js";
import { ACT_BYTES, GS_WORDS, LANES, SPRAM_WORDS, VMEM_WORDS } from "../machine.js";
import { range } from "./fields.js";
import { chosen, micro, type MicroContents, run } from "./micro.js";
import { memoryRequest } from "./stream.js";

/** A read stays until the next; a write loses it. */
const plainMemory = defineModule(
  "plain_memory",
  { in: { request: memoryRequest }, out: { sd: uint(64) } },
  ({ request }) => {
    const words = new Mem("words", uint(64), SPRAM_WORDS, { readDuringWrite: "undefined", style: "block" });
    words.write(request.write, request.address, request.data, { mask: request.mask, granule: 4 });
    return { sd: words.read(request.address, request.read.or(request.write)) };
  },
);

export const microSystem = (contents: MicroContents) =>
  defineModule("micro_system", { in: { run }, out: { chosen, saturated: bool } }, ({ run }) => {
    const sd = wire("sd", uint(64));
    const machine = micro(contents).inst("u_micro", { run, sd });
    sd.drive(plainMemory.inst("u_memory", { request: machine.memory }).sd);
    return { chosen: machine.chosen, saturated: machine.saturated };
  });

const signals = {
  PC: "u_sequencer.pc",
  ...Object.fromEntries(range(4).map((k) => [`C${k}`, `u_sequencer.c${k}`])),
  ...Object.fromEntries(range(4).map((k) => [`P${k}`, `u_vectors.p${k}`])),
  VD: "u_vectors.vd",
  MXlow: "u_multiplier.u_lower.a",
  MXhigh: "u_multiplier.u_upper.a",
  MY: "u_multiplier.u_upper.b",
  ACC: "u_accumulator.acc",
  Q: "u_shifter.shifted",
  rounding: "u_shifter.rounding",
  R: "u_result.result",
  V: "u_result.overflow",
  M: "u_maximum.m",
  IDX: "u_maximum.index_q",
  BEST: "u_maximum.best",
  SH: "u_shift_amount.amount",
  TE: "u_shift_amount.te_q",
  YR: "yr",
  SA: "u_stream.sa",
  bi: "u_stream.bi",
  SD: "u_stream.sd",
  WP: "u_stream.wp",
  AR: "u_activations.ar",
  AW: "u_activations.aw_q",
  GW: "u_group_sums.gw_q",
  gg: "u_group_sums.group_q",
  gl: "u_group_sums.lane_q",
  GD: "u_group_sums.gd",
  TD: "u_tables.td",
  ...Object.fromEntries(range(LANES).map((l) => [`LANE${l}`, `u_lanes.lanes_${l}`])),
  saturated: "saturated",
} as const;

/** The machine past its reset: the next step executes the instruction at address 0. */
export class MicroBench {
  readonly sim: Simulation;
  private readonly handles = new Map<string, Handle>();
  constructor(contents: MicroContents, stream: readonly bigint[] = [], seed = 1) {
    this.sim = simulate(elaborate(microSystem(contents)), { seed });
    for (const [at, word] of stream.entries()) this.sim.writeMemory("u_memory.words", at, word);
    this.sim.poke("rst", 1);
    this.sim.step(2);
    this.sim.poke("rst", 0);
    this.sim.step();
  }
  offer({ token, position, wanted }: { token: number; position: number; wanted: boolean }): void {
    this.sim.poke("run_valid", 1);
    this.sim.poke("run_token", token);
    this.sim.poke("run_position", position);
    this.sim.poke("run_wanted", wanted ? 1 : 0);
  }
  handle(name: string): Handle {
    const known = this.handles.get(name);
    if (known !== undefined) return known;
    const path = (signals as Readonly<Record<string, string>>)[name];
    if (path === undefined) throw new Error(`no register ${name}`);
    const made = this.sim.handle(name === "saturated" ? path : `u_micro.${path}`);
    this.handles.set(name, made);
    return made;
  }
  /** Bits of a register; MX whole. */
  register(name: string): bigint {
    if (name === "MX") return (this.register("MXhigh") << 16n) | this.register("MXlow");
    const handle = this.handle(name);
    return BigInt.asUintN(handle.width, handle.getBig());
  }
  memories(): Readonly<Record<"VMEM" | "ACT" | "GS" | "SPRAM", readonly bigint[]>> {
    const words = (path: string, depth: number): bigint[] =>
      range(depth).map((at) => this.sim.readMemory(path, at));
    return {
      VMEM: words("u_micro.u_vectors.words", VMEM_WORDS),
      ACT: words("u_micro.u_activations.bytes", ACT_BYTES),
      GS: words("u_micro.u_group_sums.words", GS_WORDS),
      SPRAM: words("u_memory.words", SPRAM_WORDS),
    };
  }
}
