/** Names that stand in Verilog as they were given, or are looked up in simulation: they must be legal, and there only once. */
import type { Diagnostic } from "../errors.js";
import { RESERVED } from "../emit/reserved.js";
import type { Loc, Module } from "../ir.js";

const legal = /^[A-Za-z_][A-Za-z0-9_]*$/;

interface Named {
  readonly name: string;
  readonly loc?: Loc | undefined;
}

export function checkNames(module: Module): Diagnostic[] {
  const where = `of module '${module.name}'`;
  const errors: Diagnostic[] = [];
  const check = (what: string, all: readonly Named[], advice: string): void => {
    const first = new Map<string, Named>();
    for (const { name, loc = module.loc } of all) {
      const other = first.get(name);
      if (!legal.test(name))
        errors.push({
          message: `${what} '${name}' ${where}: a name has letters, digits and _ only`,
          loc,
          notes: [],
        });
      else if (what !== "memory" && RESERVED.has(name))
        errors.push({
          message: `${what} '${name}' ${where} is a word of Verilog; it is never renamed, give it another name`,
          loc,
          notes: [],
        });
      else if (other === undefined) first.set(name, { name, loc });
      else
        errors.push({
          message: `${what} '${name}' ${where} exists twice; ${advice}`,
          loc,
          notes: [{ message: "the first one", loc: other.loc }],
        });
    }
  };
  if (!legal.test(module.name))
    errors.push({
      message: `module '${module.name}': a name has letters, digits and _ only`,
      loc: module.loc,
      notes: [],
    });
  else if (RESERVED.has(module.name))
    errors.push({
      message: `module '${module.name}': the name is a word of Verilog; give it another one`,
      loc: module.loc,
      notes: [],
    });
  const ports = [...module.inputs, ...module.outputs];
  check("port", ports, "nested names are joined by _, and clocks are ports too: clk and rst");
  check("instance", module.instances, "give each a name of its own");
  check("memory", module.memories, "give each a name of its own");
  return errors;
}
