/** The report of `gateloom inspect` as text: the model, its tokenizer, and its tensors with equal layers on one line. */
import pc from "picocolors";
import type { InspectedTensor, Inspection } from "../golden/import/modelInspect.js";

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

export const sizeText = (bytes: number): string => {
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toPrecision(3)} ${UNITS[unit]}`;
};

/** 0,1,2,5 as "0-2,5". */
const ranges = (numbers: readonly number[]): string => {
  const parts: [number, number][] = [];
  for (const n of numbers) {
    const last = parts.at(-1);
    if (last !== undefined && last[1] === n - 1) last[1] = n;
    else parts.push([n, n]);
  }
  return parts.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(",");
};

interface Line {
  readonly name: string;
  readonly tensor: InspectedTensor;
  readonly layers: number[];
  bytes: number;
}

/** Tensors that differ in their layer alone share a line. */
const linesOf = (tensors: readonly InspectedTensor[]): Line[] => {
  const lines = new Map<string, Line>();
  for (const tensor of tensors) {
    const layer = /(?<=\.)\d+(?=\.)/.exec(tensor.name);
    const name = layer === null ? tensor.name : tensor.name.replace(/(?<=\.)\d+(?=\.)/, "{}");
    const key = [name, tensor.type, tensor.shape.join(), tensor.status, tensor.note].join("\0");
    const line = lines.get(key) ?? { name, tensor, layers: [], bytes: 0 };
    if (layer !== null) line.layers.push(Number(layer[0]));
    line.bytes += tensor.bytes;
    lines.set(key, line);
  }
  return [...lines.values()];
};

const nameOf = ({ name, layers }: Line): string =>
  name.replace("{}", `{${ranges(layers.toSorted((a, b) => a - b))}}`);

const SIGNS = { used: "yes", "not needed": "not needed", problem: "NO", unknown: "?" } as const;

const tensorTable = (tensors: readonly InspectedTensor[]): string => {
  const rows = linesOf(tensors).map((line) => [
    nameOf(line),
    line.tensor.type,
    `[${line.tensor.shape.join(", ")}]`,
    sizeText(line.bytes),
    SIGNS[line.tensor.status],
    line.tensor.note ?? "",
  ]);
  const table = [["tensor", "type", "shape", "size", "read", ""], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]!.length)));
  const text = ([name, type, shape, size, read, note]: string[]): string =>
    [
      name!.padEnd(widths[0]!),
      type!.padEnd(widths[1]!),
      shape!.padEnd(widths[2]!),
      size!.padStart(widths[3]!),
      read!.padEnd(widths[4]!),
      note!,
    ]
      .join("  ")
      .trimEnd();
  return table
    .map((row, i) => (i === 0 ? pc.bold(text(row)) : row[4] === "NO" ? pc.red(text(row)) : text(row)))
    .join("\n");
};

const modelLines = ({ model, bytes, tensors }: Inspection): [string, string][] => {
  const stored: [string, string] = ["tensors", `${tensors.length}, ${sizeText(bytes)}`];
  if (model === null) return [stored];
  const { shape, architecture } = model;
  const { scaling, theta } = architecture.rope;
  return [
    ["architecture", [model.family, ...model.features].join(", ")],
    ["layers", `${shape.layers} of width ${shape.dim}, hidden ${shape.hidden}`],
    ["attention", `${shape.heads} heads of ${shape.headDim}, ${shape.kvHeads} for keys and values`],
    [
      "context",
      `${shape.context} positions, RoPE base ${theta}${scaling.type === "none" ? "" : `, ${scaling.type}`}`,
    ],
    ["vocabulary", `${shape.vocab}`],
    ["weights", `${model.weights.toLocaleString("en")}`],
    stored,
  ];
};

const tokenizerText = ({ tokenizer, model }: Inspection): string => {
  if (model === null) return "not looked at";
  if (tokenizer === null) return "none beside the model";
  const { size, bos, stops, chatTemplate } = tokenizer;
  return [
    `${size} tokens`,
    bos === null ? "no BOS" : `BOS ${bos}`,
    stops.length === 0 ? "no stops" : `stops at ${stops.join(", ")}`,
    chatTemplate ? "a chat template" : "no chat template",
  ].join(", ");
};

/** At most so many problems are written out; JSON has them all. */
const MOST_PROBLEMS = 20;

export const inspectText = (inspection: Inspection): string => {
  const { file, container, problems, tensors, supported } = inspection;
  const facts: [string, string][] = [
    ["container", container],
    ...modelLines(inspection),
    ["tokenizer", tokenizerText(inspection)],
  ];
  const shown = problems.slice(0, MOST_PROBLEMS).map((problem) => `  ${problem}`);
  const more = problems.length - shown.length;
  const verdict = supported
    ? pc.green("supported: every tensor that the model needs is read")
    : [
        pc.red(`not supported: ${problems.length} ${problems.length === 1 ? "problem" : "problems"}`),
        ...shown,
        ...(more > 0 ? [`  and ${more} more; --json lists them all`] : []),
      ].join("\n");
  return [
    pc.bold(file),
    ...facts.map(([name, value]) => `  ${name.padEnd(12)} ${value}`),
    "",
    tensorTable(tensors),
    "",
    verdict,
  ].join("\n");
};
