import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import Handlebars from "handlebars";

const here = path.dirname(fileURLToPath(import.meta.url));
/** Templates lie beside the sources; the compiled tree (dist/) is one folder deeper and does not copy them. */
const folder = existsSync(path.join(here, "testbench", "icarus.v.hbs"))
  ? here
  : path.join(here, "..", "..", "rtl-templates");
const balanced = (text: string): boolean => {
  let depth = 0;
  for (const c of text) {
    if (c === "{") depth++;
    else if (c === "}" && --depth < 0) return false;
  }
  return depth === 0;
};
/** A word of Tcl, whatever spaces and brackets are in it: in braces, which nothing escapes from, or in quotes where that cannot be. */
Handlebars.registerHelper("braced", (text: string) =>
  balanced(text) && !text.includes("\\") ? `{${text}}` : `"${text.replace(/[\\"$[\]{}]/g, "\\$&")}"`,
);
const compiled = new Map<string, Handlebars.TemplateDelegate>();

/** Renders `<name>.hbs`. A name the context lacks is an error (`strict`); text is code, so nothing is escaped. */
export const render = <Context extends object>(name: string, context: Context): string => {
  let template = compiled.get(name);
  if (template === undefined) {
    template = Handlebars.compile(readFileSync(path.join(folder, `${name}.hbs`), "utf8"), {
      strict: true,
      noEscape: true,
    });
    compiled.set(name, template);
  }
  return template(context);
};
