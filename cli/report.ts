import pc from "picocolors";
import type { Account } from "../testbenches/harness/account.js";

/** Everything that a run says at its end; `--json` prints exactly this. */
export interface RunReport {
  readonly model: string;
  readonly precision: string;
  readonly lanes: { readonly rows: number; readonly columns: number };
  readonly engine: string;
  readonly prompt: string;
  readonly text: string;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly cycles: number;
  readonly account: Account;
  readonly comparedValues: number;
  readonly mismatches: readonly string[];
  readonly saturated: boolean;
  readonly clockMHz: number;
  readonly buildSeconds: number;
  readonly runSeconds: number;
  readonly simulatedKHz: number;
  readonly firstTokenSeconds: number;
  readonly output: string | null;
}

const number = (v: number, digits = 0): string =>
  v.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (v: number): string => `${(100 * v).toFixed(1)} %`;

/** The closing table, 78 columns wide at most. */
export const renderReport = (r: RunReport): string => {
  const row = (name: string, value: string, note = "") =>
    `  ${name.padEnd(36)}${value.padStart(14)}  ${pc.dim(note)}`;
  const perToken = r.account.lines
    .filter((l) => l.cycles > 0)
    .map((l) =>
      row(
        `  ${l.name}`,
        number(l.cycles / (r.promptTokens + r.generatedTokens), 0),
        percent(l.cycles / r.cycles),
      ),
    );
  const verdict =
    r.mismatches.length === 0
      ? pc.green(`all ${number(r.comparedValues)} values of every tensor equal the golden model`)
      : pc.red(`${r.mismatches.length} mismatches, the first ones above`);
  return [
    `${pc.bold(r.model)} on ${r.lanes.rows} x ${r.lanes.columns} lanes, ${r.precision}, simulated by the ${r.engine} engine: ${verdict}`,
    row("tokens", number(r.generatedTokens), `after a prompt of ${r.promptTokens}`),
    row("cycles per token", number(r.account.cyclesPerToken), `${number(r.cycles)} in all`),
    ...perToken,
    row("slot utilisation", percent(r.account.slotUtilisation), "2-bit lane slots doing useful digits"),
    row("MAC utilisation", percent(r.account.macUtilisation), "multiply-accumulates per lane and cycle"),
    row(
      "bytes per token",
      number(r.account.bytesPerToken),
      `${percent(r.account.bandwidthShare)} of the memory port`,
    ),
    row(
      `tokens/s at ${r.clockMHz} MHz`,
      number(r.account.tokensPerSecond),
      "by cycles; no claim on a device's clock",
    ),
    row(
      "simulated",
      `${number(r.simulatedKHz)} kHz`,
      `built in ${r.buildSeconds.toFixed(2)} s, ran ${r.runSeconds.toFixed(1)} s, first token at ${r.firstTokenSeconds.toFixed(1)} s`,
    ),
    ...(r.saturated
      ? [
          pc.yellow(
            "  A saturation flag is set: some value left its range (see the contract's sticky flags).",
          ),
        ]
      : []),
    ...(r.output === null ? [] : [row("Verilog, program, image", "", r.output)]),
  ].join("\n");
};
