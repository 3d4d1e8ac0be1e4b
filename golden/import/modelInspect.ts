/** What a file or folder holds and what of it is supported, tensor by tensor: the data behind `gateloom inspect`. */
import { features } from "../model/architecture.js";
import type { ModelDescription } from "./architecture.js";
import { InputError } from "./error.js";
import { type Container, openContainer } from "./model.js";
import { weightsOf } from "./modelFloat.js";
import { type Match, matchTensors } from "./modelMatch.js";
import type { TensorInfo } from "./source.js";

export interface InspectedTensor {
  readonly name: string;
  readonly type: string;
  /** Outermost first. */
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly offset: number;
  readonly file: string;
  /** What it is in the model: `layers.3.q`; null where it is nothing. */
  readonly role: string | null;
  readonly status: "used" | "not needed" | "problem" | "unknown";
  /** Why, where it is not used. */
  readonly note: string | null;
}

export interface Inspection {
  readonly file: string;
  readonly container: string;
  /** Null where the architecture is not supported; `problems` says why. */
  readonly model: {
    readonly name: string;
    readonly family: string;
    readonly shape: ModelDescription["shape"];
    readonly architecture: ModelDescription["architecture"];
    /** What differs from Llama with a tied head. */
    readonly features: readonly string[];
    readonly weights: number;
  } | null;
  readonly tokenizer: {
    readonly size: number;
    readonly bos: number | null;
    readonly stops: readonly number[];
    readonly chatTemplate: boolean;
  } | null;
  readonly bytes: number;
  readonly tensors: readonly InspectedTensor[];
  /** Why the model as a whole cannot be taken; empty when it can. */
  readonly problems: readonly string[];
  readonly supported: boolean;
}

/** Rejects with an InputError where the container itself cannot be read. */
export async function inspectModel(path: string): Promise<Inspection> {
  const container = await openContainer(path);
  try {
    return await inspectContainer(path, container);
  } finally {
    await container.source.close();
  }
}

async function inspectContainer(path: string, container: Container): Promise<Inspection> {
  const problems: string[] = [];
  /** What cannot be had becomes a problem of the model. */
  const attempt = async <T>(what: () => Promise<T>): Promise<T | null> => {
    try {
      return await what();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      problems.push(error.message);
      return null;
    }
  };
  const { source } = container;
  const described = await attempt(() => container.describe());
  const match = described && matchTensors(source, described.description, described.layout);
  const roles = new Map([...(match?.found ?? [])].map(([role, { info }]) => [info.name, role]));
  const tensors = [...source.tensors.values()].map((info) => inspectTensor(info, match, roles));
  for (const [name, what] of match?.problems ?? [])
    problems.push(`${source.tensors.get(name)?.file ?? source.file}, tensor "${name}": ${what}.`);
  const vocab = described?.description.shape.vocab ?? Number.MAX_SAFE_INTEGER;
  const tokenizer = described && (await attempt(() => container.tokenizer(vocab)));
  if (tokenizer !== null && tokenizer.size > vocab)
    problems.push(`${path}: the tokenizer has ${tokenizer.size} tokens, the model only ${vocab}.`);
  return {
    file: path,
    container: container.kind,
    model: described && modelOf(described.description),
    tokenizer: tokenizer && {
      size: tokenizer.size,
      bos: tokenizer.bos,
      stops: tokenizer.stops,
      chatTemplate: tokenizer.chatTemplate !== null,
    },
    bytes: tensors.reduce((sum, tensor) => sum + tensor.bytes, 0),
    tensors,
    problems,
    supported: problems.length === 0,
  };
}

function modelOf(description: ModelDescription): Inspection["model"] {
  const { name, family, shape, architecture } = description;
  return {
    name,
    family,
    shape,
    architecture,
    features: features(architecture),
    weights: weightsOf(description),
  };
}

function inspectTensor(
  { unsupported, ...info }: TensorInfo,
  match: Match | null,
  roles: ReadonlyMap<string, string>,
): InspectedTensor {
  if (match === null) return { ...info, role: null, status: "unknown", note: unsupported ?? null };
  const problem = match.problems.get(info.name);
  if (problem !== undefined) return { ...info, role: null, status: "problem", note: problem };
  const ignored = match.ignored.get(info.name);
  if (ignored !== undefined) return { ...info, role: null, status: "not needed", note: ignored };
  return { ...info, role: roles.get(info.name) ?? null, status: "used", note: null };
}
