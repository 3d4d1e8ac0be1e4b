/** The demo model as the suites use it. */
import { readFileSync } from "node:fs";
import { readDemo } from "../../golden/import/demo.js";
import { readTokenizerJson } from "../../golden/import/tokenizer.js";

const folder = new URL("../../golden/demo/", import.meta.url);

const read = (file: string) =>
  readDemo(readFileSync(new URL(file, folder)), file, { sinks: 4, window: 252 }).model;
export const demoModel = () => read("stories.safetensors");
/** The 2:4 version. */
export const sparseDemoModel = () => read("stories-n24.safetensors");
export const demoTokenizer = () =>
  readTokenizerJson(readFileSync(new URL("tokenizer.json", folder), "utf8"), "tokenizer.json");
