/**
 * `npx tsx golden/import/fuzz.bench.ts [files a target] [seed]`: damages files of every container and reads them. Exit code 1 when one is
 * neither read nor refused with an InputError, takes more than two seconds, or memory grows beyond bounds.
 */
import { fuzz } from "./fuzz.testing.js";
import { fuzzFolders } from "./fuzzFolders.testing.js";
import { fuzzTargets } from "./fuzzTargets.testing.js";

const SLOW = 2000;
const MEMORY = 1 << 30;

const [count = 2000, seed = 1] = process.argv.slice(2).map(Number);
const peak = (): number => process.resourceUsage().maxRSS * 1024;
const row = (...cells: (string | number)[]): void =>
  console.log(
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(16) : String(cell).padStart(10))).join(""),
  );

async function main(): Promise<void> {
  let [files, failures, slow] = [0, 0, 0];
  row("container", "files", "accepted", "refused", "failures", "slowest ms", "peak MB");
  const folders = fuzzFolders();
  for (const target of [...fuzzTargets(), ...folders.targets]) {
    await target.read(target.file); // the good file must be good
    const result = await fuzz(target, count, seed);
    const { name, accepted, refused, slowest } = result;
    const memory = Math.round(peak() / 2 ** 20);
    row(name, count, accepted, refused, result.failures.length, slowest.toFixed(1), memory);
    for (const { file, error } of result.failures.slice(0, 5)) console.log(`  file ${file}:`, error);
    files += count;
    failures += result.failures.length;
    if (slowest > SLOW) slow++;
  }
  folders.remove();
  const high = peak();
  console.log(
    `${files} files, ${failures} failures, peak memory ${Math.round(high / 2 ** 20)} MB (seed ${seed})`,
  );
  if (failures > 0 || slow > 0 || high > MEMORY) process.exitCode = 1;
}

await main();
