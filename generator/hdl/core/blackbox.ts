/** Black boxes: vendor primitives and rendered templates, with typed ports, parameters and a model for simulation. */
import type * as ir from "../ir.js";
import type { RecordShape } from "../types.js";
import { fail } from "../errors.js";
import type { Elaborated } from "./builder.js";
import { ModuleDef } from "./module.js";
import { leafPorts } from "./ports.js";

export interface BlackBoxOptions<I extends RecordShape, O extends RecordShape> {
  /** Unique in the design: name and parameters belong together. */
  readonly name: string;
  /** Name of the Verilog module, when it is not `name`. */
  readonly primitive?: string;
  readonly in: I;
  readonly out: O;
  /** Its only clock input, if it has one; connected to the default domain. */
  readonly clock?: string;
  readonly parameters?: Readonly<Record<string, string | number>>;
  /**
   * Required: a black box that cannot be simulated would hide every bug behind it. A module of the same ports without
   * instances (fast in every engine), or code: port names as in Verilog, values as bits.
   */
  readonly model: ir.BlackBoxModel | ModuleDef<I, O>;
  /** Verilog of the module instantiated, for simulators without the primitive. */
  readonly verilog?: string;
}

class BlackBoxDef<I extends RecordShape, O extends RecordShape> extends ModuleDef<I, O> {
  constructor(private readonly options: BlackBoxOptions<I, O>) {
    super(options.name, { in: options.in, out: options.out }, () => {
      throw new Error("a black box has no body");
    });
  }
  override elaborate(): Elaborated {
    const { name, primitive, clock, parameters = {}, model, verilog } = this.options;
    const domains: ir.Domain[] = clock === undefined ? [] : [{ name: "", clock, reset: null }];
    const inputs = leafPorts(this.options.in);
    const outputs = leafPorts(this.options.out);
    const box: ir.BlackBox = {
      name,
      inputs,
      outputs,
      domains,
      parameters,
      model: bodyOf(model),
      ...(primitive === undefined ? {} : { primitive }),
      ...(verilog === undefined ? {} : { verilog }),
    };
    const module: ir.Module = {
      name,
      inputs,
      outputs: [],
      domains,
      nodes: [],
      memories: [],
      instances: [],
      checks: [],
    };
    this.done ??= { module, children: new Map(), box };
    return this.done;
  }
}

const bodyOf = <I extends RecordShape, O extends RecordShape>(
  model: BlackBoxOptions<I, O>["model"],
): ir.BlackBox["model"] => {
  if (!(model instanceof ModuleDef)) return model;
  const { module, children } = model.elaborate();
  if (children.size > 0)
    fail(`the model '${module.name}' of a black box has instances; write it as one module`);
  return module;
};

export const blackbox = <const I extends RecordShape, const O extends RecordShape>(
  options: BlackBoxOptions<I, O>,
): ModuleDef<I, O> => new BlackBoxDef(options);
