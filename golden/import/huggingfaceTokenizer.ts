/** tokenizer.json through `@huggingface/tokenizers`, with the bytes of every token for text that appears token by token. */
import { Tokenizer } from "@huggingface/tokenizers";
import { join } from "node:path";
import { z } from "zod";
import { checked, parseJson } from "./config.js";
import { InputError } from "./error.js";
import { textIn } from "./huggingface.js";
import { LibraryTokenizer } from "./libraryTokenizer.js";
import { byteAlphabet, bytesOfPiece } from "./tokenizerBytes.js";

/** Largest vocabulary that is believed. */
const MOST_TOKENS = 1 << 22;

const specialSchema = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
const settingsSchema = z.looseObject({
  chat_template: z
    .union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))])
    .nullish(),
  bos_token: specialSchema,
  eos_token: specialSchema,
});
const generationSchema = z.looseObject({ eos_token_id: z.union([z.int(), z.array(z.int())]).nullish() });
const tokenizerSchema = z.looseObject({
  model: z.looseObject({
    type: z.string().optional(),
    vocab: z.union([
      z.record(z.string(), z.int().min(0).max(MOST_TOKENS)),
      z.array(z.unknown()).max(MOST_TOKENS),
    ]),
  }),
  added_tokens: z
    .array(
      z.looseObject({
        id: z.int().min(0).max(MOST_TOKENS),
        content: z.string(),
        special: z.boolean().optional(),
      }),
    )
    .default([]),
  decoder: z.unknown().optional(),
  normalizer: z.unknown().optional(),
});

/** The folder's tokenizer; null where it has no tokenizer.json. `eos` is what config.json says. */
export async function openHuggingFaceTokenizer(
  folder: string,
  eos: number | readonly number[] | null | undefined,
): Promise<LibraryTokenizer | null> {
  const text = await textIn(folder, "tokenizer.json");
  if (text === null) return null;
  const read = async (name: string): Promise<unknown> => {
    const found = await textIn(folder, name);
    return found === null ? {} : parseJson(found, join(folder, name));
  };
  const settings = await read("tokenizer_config.json");
  const generation = checked(
    generationSchema,
    await read("generation_config.json"),
    join(folder, "generation_config.json"),
  );
  return readHuggingFaceTokenizer(text, {
    file: join(folder, "tokenizer.json"),
    settings: checked(settingsSchema, settings, join(folder, "tokenizer_config.json")),
    chatTemplate: await textIn(folder, "chat_template.jinja"),
    eos: [generation.eos_token_id ?? [], eos ?? []].flat(),
  });
}

export function readHuggingFaceTokenizer(
  text: string,
  about: {
    readonly file: string;
    readonly settings?: z.infer<typeof settingsSchema>;
    readonly chatTemplate?: string | null;
    readonly eos?: readonly number[];
  },
): LibraryTokenizer {
  const { file, settings = {} } = about;
  const json = checked(tokenizerSchema, parseJson(text, file), file);
  const tokenizer = build(json, settings, file);
  const bytes = bytesOfTokens(tokenizer, json, file);
  const { ids } = tokenizer.encode("a", { add_special_tokens: false });
  const special = tokenizer.encode("a", { add_special_tokens: true }).ids;
  const bos = special.length > ids.length && special[0] !== ids[0] ? (special[0] ?? null) : null;
  const marks = { bos: textOf(settings.bos_token), eos: textOf(settings.eos_token) };
  const end = marks.eos === "" ? undefined : tokenizer.token_to_id(marks.eos);
  const stops = [...(about.eos ?? []), ...(end === undefined ? [] : [end])];
  return new LibraryTokenizer({
    tokenizer,
    json: text,
    bytes,
    bos,
    stops: [...new Set(stops)].filter((token) => token >= 0 && token < bytes.length),
    chatTemplate: about.chatTemplate ?? templateOf(settings.chat_template),
    marks,
    prefixed: putsSpaceInFront(json),
    file,
  });
}

/** The library trusts its input (ids above, which it would count up to, are checked): whatever it throws, the file is at fault. */
function build(json: object, settings: object, file: string): Tokenizer {
  try {
    return new Tokenizer(json, settings);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`the tokenizer cannot be built (${reason})`, { file }, "Download the file again");
  }
}

function textOf(special: z.infer<typeof specialSchema>): string {
  return (typeof special === "string" ? special : special?.content) ?? "";
}

function templateOf(
  template: string | readonly { readonly name: string; readonly template: string }[] | null | undefined,
): string | null {
  if (template === null || template === undefined || typeof template === "string") return template ?? null;
  return (template.find(({ name }) => name === "default") ?? template[0])?.template ?? null;
}

function bytesOfTokens(
  tokenizer: Tokenizer,
  json: z.infer<typeof tokenizerSchema>,
  file: string,
): Uint8Array[] {
  const vocabulary = tokenizer.get_vocab(true);
  let size = 0;
  for (const id of vocabulary.values()) size = Math.max(size, id + 1);
  if (vocabulary.size === 0 || !Number.isInteger(size) || size > MOST_TOKENS)
    throw new InputError(
      vocabulary.size === 0 ? "the tokenizer has no vocabulary" : `a vocabulary of ${size} makes no sense`,
      { file },
      "Download the file again",
    );
  const bytes: Uint8Array[] = Array.from({ length: size }, () => new Uint8Array(0));
  const alphabet = mentions(json.decoder, "ByteLevel") ? byteAlphabet() : null;
  for (const [piece, id] of vocabulary) {
    // The library fills ids that no piece has with undefined: they spell nothing.
    if (typeof piece === "string") bytes[id] = bytesOfPiece(piece, alphabet);
  }
  for (const { id, content, special } of json.added_tokens)
    bytes[id] = special === true ? new Uint8Array(0) : new TextEncoder().encode(content);
  return bytes;
}

/** Whether a decoder or normaliser, or one of its parts, is of this type. */
function mentions(part: unknown, type: string): boolean {
  return JSON.stringify(part ?? null).includes(`"type":"${type}"`);
}

function putsSpaceInFront({ decoder, normalizer }: z.infer<typeof tokenizerSchema>): boolean {
  return mentions(normalizer, "Prepend") || mentions(decoder, "Metaspace") || mentions(decoder, "Strip");
}
