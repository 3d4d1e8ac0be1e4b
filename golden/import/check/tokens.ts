/** Development only: `npx tsx golden/import/check/tokens.ts FILE.gguf TEXT.txt IDS.json` writes the text's token ids, without BOS. */
import { readFileSync, writeFileSync } from "node:fs";
import { openGguf } from "../gguf.js";
import { ggufTokenizer } from "../ggufTokenizer.js";

const [path, text, ids] = process.argv.slice(2);
if (path === undefined || text === undefined || ids === undefined)
  throw new RangeError("give a GGUF file, a text and an output file");
const source = await openGguf(path);
writeFileSync(ids, JSON.stringify(ggufTokenizer(source).encode(readFileSync(text, "utf8"), false)));
await source.close();
