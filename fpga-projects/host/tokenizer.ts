/**
 * A tokenizer as host programs read it: facts, and a vocabulary of plain lines that Python and C++ read alike. A line a token:
 * the bytes that it prints in hexadecimal; for llama2.c's tokenizers also the text that merging looks for, and its score.
 */
import { LibraryTokenizer } from "../../golden/import/libraryTokenizer.js";
import { FIRST_BYTE, type TextTokenizer, Tokenizer } from "../../golden/import/tokenizer.js";

export const VOCABULARY = "vocabulary.txt";
const LIBRARY = "tokenizer.json";
const FACTS = "tokenizer-facts.json";

/** Who turns text into tokens: "scores" our own programs; "tokenizer.json" the Python package `tokenizers`; "none" nobody there. */
export interface TokenizerFacts {
  readonly encoder: "scores" | "tokenizer.json" | "none";
  readonly size: number;
  readonly bos: number | null;
  readonly stops: readonly number[];
  /** Token of byte 0, where characters that no token spells are given byte by byte; else 0. */
  readonly firstByte: number;
  readonly dropsSpaceBehindBos: boolean;
  readonly chatTemplate: string | null;
  readonly marks: { readonly bos: string; readonly eos: string };
  readonly vocabulary: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const SPACE = 32;

/** Files by name. */
export const hostTokenizer = (tokenizer: TextTokenizer): ReadonlyMap<string, string> => {
  const library = tokenizer instanceof LibraryTokenizer ? tokenizer.json : null;
  const { size, bos, stops, chatTemplate, marks } = tokenizer;
  // Behind another token than BOS every byte is printed.
  const other = bos === 0 ? 1 : 0;
  const tokens = Array.from({ length: size }, (_, token) => token);
  const drops = tokens.some(
    (token) =>
      bos !== null &&
      tokenizer.piece(other, token)[0] === SPACE &&
      tokenizer.piece(bos, token).length < tokenizer.piece(other, token).length,
  );
  const scored = tokenizer instanceof Tokenizer ? tokenizer : null;
  const facts: TokenizerFacts = {
    encoder: scored !== null ? "scores" : library !== null ? "tokenizer.json" : "none",
    ...{ size, bos, stops },
    firstByte: scored === null ? 0 : FIRST_BYTE,
    dropsSpaceBehindBos: drops,
    ...{ chatTemplate, marks },
    vocabulary: VOCABULARY,
  };
  const lines = tokens.map((token) => {
    const printed = hex(tokenizer.piece(other, token));
    if (scored === null) return printed;
    return `${printed} ${hex(new TextEncoder().encode(scored.pieces[token]!))} ${scored.scores[token]!}`;
  });
  return new Map([
    [FACTS, `${JSON.stringify(facts, null, 2)}\n`],
    [VOCABULARY, `${lines.join("\n")}\n`],
    ...(facts.encoder === "tokenizer.json" && library !== null ? [[LIBRARY, library] as const] : []),
  ]);
};

/** The facts among files that hostTokenizer made; null where there are none. */
export const factsOf = (files: ReadonlyMap<string, string>): TokenizerFacts | null => {
  const text = files.get(FACTS);
  return text === undefined ? null : (JSON.parse(text) as TokenizerFacts);
};

/** The files that host programs open, by name. */
export const tokenizerFiles = (files: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map([...files].filter(([name]) => name !== FACTS));
