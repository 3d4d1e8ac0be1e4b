/** The demo model as the suites use it. */
import { readFileSync } from "node:fs";
import { readDemo } from "../../golden/import/demo.js";
import { readTokenizerJson } from "../../golden/import/tokenizer.js";

const folder = new URL("../../golden/demo/", import.meta.url);

export const demoModel = () =>
  readDemo(readFileSync(new URL("stories.safetensors", folder)), "stories.safetensors", {
    sinks: 4,
    window: 252,
  }).model;
export const demoTokenizer = () =>
  readTokenizerJson(readFileSync(new URL("tokenizer.json", folder), "utf8"), "tokenizer.json");
