/** From a described module to the design below it: the checks that see whole modules, then what makes them smaller. */
import { type Diagnostic, HdlError } from "../errors.js";
import * as ir from "../ir.js";
import { adopt } from "../passes/adopt.js";
import { blackBoxClocks, checkDomains } from "../passes/checkDomains.js";
import { checkDesign } from "../passes/checkIr.js";
import { checkLoops, type Dependencies } from "../passes/checkLoops.js";
import { dce } from "../passes/dce.js";
import { dedup } from "../passes/dedup.js";
import { fold } from "../passes/fold.js";
import { narrow } from "../passes/narrow.js";
import type { Elaborated } from "./builder.js";
import { sameBody } from "./module.js";

const simplified = (m: ir.Module): ir.Module => dedup(dce(adopt(fold(narrow(fold(m))))));

/** The design below a module, children first. Throws HdlError with every mistake of the first module that has some. */
export const elaborate = (def: { elaborate(): Elaborated }): ir.Design => {
  const modules = new Map<string, ir.Module>();
  const blackboxes = new Map<string, ir.BlackBox>();
  const visit = (e: Elaborated): void => {
    for (const c of e.children.values()) visit(c);
    if (e.box !== undefined) {
      blackboxes.set(e.box.name, e.box);
      return;
    }
    const known = modules.get(e.module.name);
    if (known !== undefined && known !== e.module && !sameBody(known, e.module))
      throw new HdlError([
        {
          message: `two different modules are called '${e.module.name}'`,
          loc: e.module.loc,
          notes: [],
        },
      ]);
    if (known === undefined) modules.set(e.module.name, e.module);
  };
  const top = def.elaborate();
  visit(top);
  const clocks = new Map([...blackboxes].map(([name, box]) => [name, blackBoxClocks(box)]));
  const dependencies = new Map<string, Dependencies>();
  const errors: Diagnostic[] = [];
  for (const [name, m] of modules) {
    const domains = checkDomains(m, clocks);
    const loops = checkLoops(m, dependencies);
    clocks.set(name, domains.clocks);
    dependencies.set(name, loops.dependencies);
    errors.push(...domains.errors, ...loops.loops);
  }
  if (errors.length > 0) throw new HdlError(errors);
  // Simplified only now: modules of one name are compared as described.
  for (const [name, m] of modules) modules.set(name, simplified(m));
  for (const [name, box] of blackboxes)
    if (ir.isBody(box.model)) blackboxes.set(name, { ...box, model: simplified(box.model) });
  const design: ir.Design = { top: top.module.name, modules, blackboxes };
  checkDesign(design); // a twentieth of the time of all this, for bugs of ours that would surface far from here
  return design;
};
