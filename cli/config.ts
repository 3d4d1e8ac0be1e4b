import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { type Config, parseConfig } from "../generator/config.js";
import { kernelOf } from "../generator/engines/kernels.js";
import { UsageError } from "./failure.js";

/** Reads a configuration: the file of --config, else gateloom.config.ts here, else the defaults, which are the demo's. */
export const loadConfig = async (option: string | undefined): Promise<Config> => {
  if (option !== undefined && !existsSync(option)) throw new UsageError(`--config ${option}: no such file`);
  const here = path.resolve("gateloom.config.ts");
  if (option === undefined && !existsSync(here)) return parseConfig({}, "defaults");
  const file = option !== undefined ? path.resolve(option) : here;
  const shown = path.relative(process.cwd(), file) || file;
  let loaded: { default?: unknown };
  try {
    const { tsImport } = await import("tsx/esm/api");
    loaded = (await tsImport(pathToFileURL(file).href, import.meta.url)) as { default?: unknown };
  } catch (error) {
    throw new UsageError(
      `${shown}: cannot be loaded: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`,
    );
  }
  // Outside an ESM package the file is CommonJS to Node, and its default export lies one level deeper.
  const inner = (loaded.default as { default?: unknown } | undefined)?.default;
  const value = inner ?? loaded.default;
  if (value === undefined)
    throw new UsageError(`${shown}: has no default export; write export default defineConfig({ ... })`);
  return parseConfig(value, shown);
};

/** Engine and family on the command line. An engine that needs DSP slices gets those of UltraScale+, unless told. */
export const withEngine = (
  config: Config,
  engine: string | undefined,
  family: string | undefined,
): Config => {
  if (engine === undefined && family === undefined) return config;
  const name = engine ?? config.engine;
  const families = kernelOf(name)?.families ?? [];
  const kept = families.includes(config.family) ? config.family : families[0];
  return parseConfig(
    { ...config, engine: name, family: family ?? kept },
    [engine === undefined ? "" : `--engine-kind ${engine}`, family === undefined ? "" : `--family ${family}`]
      .filter((s) => s !== "")
      .join(" "),
  );
};

/** Lanes as one number on the command line: columns stay, rows follow. */
export const withLanes = (config: Config, lanes: number | undefined): Config => {
  if (lanes === undefined) return config;
  const rows = lanes / config.lanes.columns;
  return parseConfig(
    { ...config, lanes: { rows, columns: config.lanes.columns } },
    `--lanes ${lanes} (rows = lanes / ${config.lanes.columns})`,
  );
};
