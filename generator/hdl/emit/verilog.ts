/** Design to Verilog-2005: one module per file. */
import { type Design, isBody, type Module } from "../ir.js";
import { type ModuleText, moduleText } from "./module.js";

export interface EmitOptions {
  /** Comments back to the lines of the TypeScript; default true. */
  readonly sourceComments?: boolean;
  /**
   * For simulators that lack the primitives: models in place of black boxes whose model is a module, and the Verilog
   * text of the others; default false.
   */
  readonly models?: boolean;
}

/** File name to text: `<module>.v`, and contents of large memories. */
export const emitVerilog = (design: Design, o: EmitOptions = {}): Map<string, string> => {
  const files = new Map<string, string>();
  const mode = o.models === true ? "models" : "design";
  const bodies = [...design.blackboxes.values()].flatMap(({ model }) => (isBody(model) ? [model] : []));
  for (const m of [...(o.models === true ? bodies : []), ...design.modules.values()]) {
    const text =
      mode === "design" && (o.sourceComments ?? true)
        ? textOf(m, design)
        : moduleText(m, design, o.sourceComments ?? true, mode);
    files.set(`${m.name}.v`, text.verilog);
    for (const [name, contents] of text.files) files.set(name, contents);
  }
  if (o.models === true)
    for (const box of design.blackboxes.values())
      if (box.verilog !== undefined) files.set(`${box.primitive ?? box.name}.v`, box.verilog);
  return files;
};

/** The text of each module with comments, made once: the name map needs it too. */
const texts = new WeakMap<Module, ModuleText>();
const textOf = (m: Module, design: Design): ModuleText => {
  let text = texts.get(m);
  if (text === undefined) {
    text = moduleText(m, design, true);
    texts.set(m, text);
  }
  return text;
};

/** For every module, names in the description to names in the Verilog: JSON with sorted keys. */
export const nameMap = (design: Design): string => {
  const modules = [...design.modules.values()].map((m): [string, Record<string, string>] => [
    m.name,
    Object.fromEntries([...textOf(m, design).names].sort(([a], [b]) => (a < b ? -1 : 1))),
  ]);
  return `${JSON.stringify(Object.fromEntries(modules.sort(([a], [b]) => (a < b ? -1 : 1))), null, 2)}\n`;
};
