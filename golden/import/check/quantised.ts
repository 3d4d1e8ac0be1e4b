/**
 * What a saved model stands for, for comparison with quantised.py, an independent reader of the same file:
 *   diff <(npx tsx golden/import/check/quantised.ts M) <(python golden/import/check/quantised.py M)   with M = FOLDER/model.safetensors
 */
import { createHash } from "node:crypto";
import { openFile } from "../access.js";
import { QuantisedSource } from "../quantised.js";
import { SafetensorsSource } from "../safetensorsSource.js";

const source = new QuantisedSource(await SafetensorsSource.from(await openFile(process.argv[2]!)));
for (const [name, { shape }] of [...source.tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const values = (await source.read(name)).map((value) => value + 0); // no negative zeros, as numpy's integers have none
  const hash = createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex");
  console.log(`${name} [${shape.join(", ")}] ${hash.slice(0, 16)}`);
}
await source.close();
