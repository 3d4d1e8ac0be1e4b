/** A model's tensors looked up in a container: which serves which slot, what is missing, of the wrong shape, or left over. */
import { type ModelDescription, type Slot, slotsOf } from "./architecture.js";
import { type Layout, nameIn } from "./architectureLayout.js";
import { InputError } from "./error.js";
import type { TensorInfo, TensorSource } from "./source.js";

export interface Match {
  /** By the slot's name. */
  readonly found: ReadonlyMap<string, { readonly slot: Slot; readonly info: TensorInfo }>;
  /** Tensors that are not needed, and why. */
  readonly ignored: ReadonlyMap<string, string>;
  /** By the container's name; missing tensors too. Sentences without a full stop. */
  readonly problems: ReadonlyMap<string, string>;
}

export function matchTensors(source: TensorSource, description: ModelDescription, layout: Layout): Match {
  const found = new Map<string, { slot: Slot; info: TensorInfo }>();
  const problems = new Map<string, string>();
  const used = new Set<string>();
  for (const slot of slotsOf(description)) {
    const name = nameOf(source, layout, slot);
    const info = source.tensors.get(name);
    used.add(name);
    if (info === undefined)
      problems.set(name, `the tensor is missing; the model needs it as [${slot.shape.join(", ")}]`);
    else if (!sameShape(info.shape, slot.shape))
      problems.set(
        name,
        `its shape is [${info.shape.join(", ")}], the model needs [${slot.shape.join(", ")}]`,
      );
    else if (info.unsupported !== undefined) problems.set(name, info.unsupported);
    else found.set(slot.name, { slot, info });
  }
  const ignored = new Map<string, string>();
  for (const name of source.tensors.keys()) {
    if (used.has(name)) continue;
    const why = reasonToIgnore(name, description, layout);
    if (why === null) problems.set(name, "the model has no place for this tensor");
    else ignored.set(name, why);
  }
  return { found, ignored, problems };
}

/** A tied table may lie under either name. */
function nameOf(source: TensorSource, layout: Layout, slot: Slot): string {
  const name = nameIn(layout, slot);
  return slot.role === "embedding" && !source.tensors.has(name) && source.tensors.has(layout.names.head)
    ? layout.names.head
    : name;
}

function reasonToIgnore(name: string, { architecture }: ModelDescription, layout: Layout): string | null {
  if (architecture.tied && name === layout.names.head) return "the head is tied to the embedding";
  return layout.ignored.find((entry) => entry.name.test(name))?.why ?? null;
}

/** Vectors may have leading ones. */
function sameShape(found: readonly number[], needed: readonly number[]): boolean {
  const extra = found.length - needed.length;
  return (
    extra >= 0 && found.slice(0, extra).every((n) => n === 1) && found.slice(extra).join() === needed.join()
  );
}

/** Throws the first problem as what the user did wrong. */
export function requireMatch(source: TensorSource, match: Match): void {
  for (const [tensor, what] of match.problems) {
    const info = source.tensors.get(tensor);
    const more = match.problems.size - 1;
    const others = more === 0 ? "" : ` (and ${more} more tensors have problems)`;
    throw new InputError(
      `${what}${others}`,
      info === undefined ? { file: source.file, tensor } : { file: info.file, tensor, offset: info.offset },
      "`gateloom inspect` lists every tensor and what is wrong with it",
    );
  }
}
