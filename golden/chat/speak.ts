/**
 * Tokens in, text out: the loop that talks, whatever computes the logits. The golden model does here, an accelerator behind
 * its driver does the same.
 */
import { Random } from "../model/prng.js";
import { choose, type Sampling } from "../quantise/sample.js";
import type { TextTokenizer } from "../import/tokenizer.js";

/** What computes. Positions count from 0; one that was taken before is overwritten, and what came behind it is forgotten. */
export interface Machine {
  /** Positions that there are. */
  readonly context: number;
  /** Most tokens that it takes at a time. */
  readonly block: number;
  /**
   * The earliest position to which it can go back once `taken` positions are full; 0 is always possible besides. A cache whose
   * window has begun to turn cannot go back at all.
   */
  earliest(taken: number): number;
  /** Takes tokens at the positions from `position` on; the logits [vocab], in real units, behind the last one. */
  take(tokens: readonly number[], position: number): ArrayLike<number> | Promise<ArrayLike<number>>;
}

/** Why a text ended. */
export type Ending = "stop" | "length" | "context" | "interrupted";

export interface SpeakOptions extends Sampling {
  readonly seed: number;
  /** Most tokens of one answer. */
  readonly tokens: number;
}

export interface Spoken {
  readonly tokens: readonly number[];
  readonly text: string;
  readonly ending: Ending;
  /** Tokens that the machine had to take before the first one of the answer. */
  readonly taken: number;
}

/** Bytes of tokens as text; the bytes of a character wait until it is whole. Malformed UTF-8 becomes U+FFFD. */
export class TextStream {
  private readonly decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(
    private readonly tokenizer: Pick<TextTokenizer, "piece">,
    private previous: number,
  ) {}

  push(token: number): string {
    const bytes = this.tokenizer.piece(this.previous, token);
    this.previous = token;
    return this.decoder.decode(bytes, { stream: true });
  }

  end(): string {
    return this.decoder.decode();
  }
}

/** A machine and what it has heard so far. Dice go on from answer to answer. */
export class Speaker {
  private readonly heard: number[] = [];
  private readonly random: Random;

  constructor(
    private readonly machine: Machine,
    private readonly tokenizer: Pick<TextTokenizer, "piece" | "stops">,
    private readonly options: SpeakOptions,
  ) {
    this.random = new Random(options.seed);
  }

  /** Positions that are left behind a text of so many tokens. */
  room(tokens: number): number {
    return this.machine.context - tokens;
  }

  /**
   * Goes on behind `prompt`, which may begin with what was heard before: only the rest is computed. Yields text as it comes
   * (often "", so that whoever waits for an interrupt may look) and returns how it ended. The last token of an answer needs
   * no position.
   */
  async *speak(
    prompt: readonly number[],
    interrupted: () => boolean = () => false,
  ): AsyncGenerator<string, Spoken> {
    const { machine, tokenizer, options, random } = this;
    if (prompt.length === 0) throw new RangeError("a text of no tokens cannot be gone on with");
    if (this.room(prompt.length) < 0)
      throw new RangeError(`${prompt.length} tokens in a context of ${machine.context}`);
    const from = this.rewind(prompt);
    let logits: ArrayLike<number> = [];
    while (this.heard.length < prompt.length && !interrupted()) {
      logits = await this.take(prompt.slice(this.heard.length, this.heard.length + machine.block));
      yield "";
    }
    const stream = new TextStream(tokenizer, prompt.at(-1)!);
    const tokens: number[] = [];
    let text = "";
    let ending: Ending = "length";
    while (tokens.length < options.tokens) {
      if (interrupted()) {
        ending = "interrupted";
        break;
      }
      if (tokens.length > 0) {
        if (this.room(this.heard.length) === 0) {
          ending = "context";
          break;
        }
        logits = await this.take(tokens.slice(-1));
      }
      const token = choose(logits, options, random);
      if (tokenizer.stops.includes(token)) {
        ending = "stop";
        break;
      }
      tokens.push(token);
      const more = stream.push(token);
      text += more;
      yield more;
    }
    const rest = stream.end();
    text += rest;
    if (rest !== "") yield rest;
    return { tokens, text, ending, taken: prompt.length - from };
  }

  private async take(tokens: readonly number[]): Promise<ArrayLike<number>> {
    const logits = await this.machine.take(tokens, this.heard.length);
    this.heard.push(...tokens);
    return logits;
  }

  /** Forgets what the prompt does not begin with, and its last token, whose logits are asked for. The position to go on from. */
  private rewind(prompt: readonly number[]): number {
    let common = 0;
    while (common < prompt.length - 1 && prompt[common] === this.heard[common]) common++;
    if (common < this.machine.earliest(this.heard.length)) common = 0;
    this.heard.length = common;
    return common;
  }
}
