/** Design to Verilog-2005: one module per file. */
import type * as ir from "../ir.js";
import { moduleText } from "./module.js";

export interface EmitOptions {
  /** Comments back to the lines of the TypeScript; default true. */
  readonly sourceComments?: boolean;
  /** Also the Verilog of black boxes, for simulators that lack the primitive; default false. */
  readonly models?: boolean;
}

/** File name to text: `<module>.v`, and contents of large memories. */
export const emitVerilog = (design: ir.Design, o: EmitOptions = {}): Map<string, string> => {
  const files = new Map<string, string>();
  for (const m of design.modules.values()) {
    const text = moduleText(m, design, o.sourceComments ?? true);
    files.set(`${m.name}.v`, text.verilog);
    for (const [name, contents] of text.files) files.set(name, contents);
  }
  if (o.models === true)
    for (const box of design.blackboxes.values())
      if (box.verilog !== undefined) files.set(`${box.primitive ?? box.name}.v`, box.verilog);
  return files;
};

/** For every module, names in the description to names in the Verilog: JSON with sorted keys. */
export const nameMap = (design: ir.Design): string => {
  const modules = [...design.modules.values()].map((m): [string, Record<string, string>] => [
    m.name,
    Object.fromEntries([...moduleText(m, design, false).names].sort(([a], [b]) => (a < b ? -1 : 1))),
  ]);
  return `${JSON.stringify(Object.fromEntries(modules.sort(([a], [b]) => (a < b ? -1 : 1))), null, 2)}\n`;
};
