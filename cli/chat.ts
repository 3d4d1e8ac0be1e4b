import { Command, InvalidArgumentError, Option } from "commander";
import pc from "picocolors";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { GoldenMachine } from "../golden/chat/machine.js";
import { Speaker } from "../golden/chat/speak.js";
import type { Message } from "../golden/chat/template.js";
import { answer, converse, endingNote, type Partner } from "./chatLoop.js";
import { EXIT, UsageError } from "./failure.js";
import { loadToRun, type RunOptions, runOptions } from "./model.js";
import { wholeNumber } from "./options.js";

interface ChatOptions extends RunOptions {
  readonly prompt?: string;
  readonly system?: string;
  readonly tokens: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly seed: number;
  readonly json?: boolean;
}

const between =
  (from: number, to: number) =>
  (value: string): number => {
    const number = Number(value);
    if (value.trim() === "" || !(number >= from && number <= to))
      throw new InvalidArgumentError(`a number from ${from} to ${to} is needed.`);
    return number;
  };

/** Ctrl-C ends what is being said first, then the program; the handler of the other commands stands aside. */
class Interrupts {
  private speaking = false;
  private pressed = false;

  constructor() {
    process.removeAllListeners("SIGINT");
    process.on("SIGINT", this.press);
  }

  readonly press = (): void => {
    if (!this.speaking || this.pressed) {
      process.stdout.write("\n");
      process.exit(EXIT.interrupted);
    }
    this.pressed = true;
  };
  /** From here on one press ends the answer only. */
  begin(): void {
    this.speaking = true;
    this.pressed = false;
  }
  end(): void {
    this.speaking = false;
  }
  readonly heard = (): boolean => this.pressed;
}

const note = (line: string): void => {
  process.stderr.write(`${pc.dim(`(${line})`)}\n`);
};

/** One text in, one answer out. */
const once = async (
  partner: Partner,
  prompt: string,
  interrupts: Interrupts,
  json: boolean,
): Promise<void> => {
  const messages: Message[] = [
    ...(partner.system === undefined ? [] : [{ role: "system", content: partner.system } as const]),
    { role: "user", content: prompt },
  ];
  const write = (piece: string): void => {
    if (!json) process.stdout.write(piece);
  };
  interrupts.begin();
  const said = await answer(partner, messages, { write, interrupted: interrupts.heard });
  interrupts.end();
  if ("tooLong" in said)
    throw new UsageError(
      `the prompt has ${said.tooLong} tokens, the model's context only ${partner.context}; shorten it`,
    );
  if (json) console.log(JSON.stringify({ prompt, ...said }, null, 2));
  else write("\n");
  const ended = endingNote(said.ending, said.tokens, partner.context);
  if (ended !== null && !json) note(ended);
  if (said.ending === "interrupted") process.exitCode = EXIT.interrupted;
};

/** Lines from the terminal until Ctrl-D. */
const interactively = async (partner: Partner, interrupts: Interrupts): Promise<void> => {
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: pc.bold("> ") });
  lines.on("SIGINT", interrupts.press);
  note(
    partner.tokenizer.chatTemplate === null
      ? "this model completes texts: type how one begins; Ctrl-C ends a text, Ctrl-D the program"
      : "/new begins another conversation; Ctrl-C ends an answer, Ctrl-D the program",
  );
  const heard = async function* (): AsyncGenerator<string> {
    for await (const line of lines) {
      interrupts.begin();
      yield line;
    }
  };
  await converse(partner, heard(), {
    write: (piece) => process.stdout.write(piece),
    note,
    interrupted: interrupts.heard,
    ready: () => {
      interrupts.end();
      lines.prompt();
    },
  });
  process.stdout.write("\n");
};

export const chatCommand = (): Command => {
  const command = new Command("chat")
    .description(
      "Talks with the golden integer model: the numbers, and so the words, are those of the generated hardware.",
    )
    .argument("[model]", "model file or folder; default: the demo model")
    .option("--prompt <text>", "say this and end; without it, standard input where that is no terminal")
    .option("--system <text>", "what the assistant is told before; for models with a chat template")
    .addOption(
      new Option("--tokens <n>", "most tokens of an answer")
        .argParser(wholeNumber(1, 1_000_000))
        .default(256),
    )
    .addOption(
      new Option("--temperature <t>", "0 takes the likeliest token always")
        .argParser(between(0, 100))
        .default(0.7),
    )
    .addOption(
      new Option("--top-k <n>", "draw from the n likeliest tokens")
        .argParser(wholeNumber(1, 2 ** 31 - 1))
        .default(40),
    )
    .addOption(
      new Option("--top-p <p>", "draw from the likeliest tokens that reach this probability together")
        .argParser(between(0, 1))
        .default(0.95),
    )
    .addOption(
      new Option("--seed <n>", "of the draws: the same text on every machine")
        .argParser(wholeNumber(0, 2 ** 32 - 1))
        .default(1),
    )
    .option("--json", "print prompt, text, how it ended, tokens and seconds as JSON when it is done");
  for (const option of runOptions()) command.addOption(option);
  return command
    .addHelpText(
      "after",
      `
Models with a chat template (tokenizer_config.json, chat_template.jinja, GGUF's tokenizer.chat_template) hold a
conversation, as their template writes it. Others complete the text they are given; --prompt prints it in front.

An answer ends at the model's stop tokens, after --tokens, or where the context is full, whatever the window:
positions beyond it the model has never seen. Text goes to standard output, everything else to standard error.
Ctrl-C ends the answer first, then the program.

Examples:
  gateloom chat
  gateloom chat --prompt "Once upon a time" --temperature 0
  echo "Name three colours." | gateloom chat model.gguf --system "Be brief."

Exit codes: 0 good, 2 usage or input, 130 interrupted.`,
    )
    .action(async (file: string | undefined, options: ChatOptions) => {
      const { tokens, temperature, topK, topP, seed, json = false } = options;
      const piped = options.prompt === undefined && process.stdin.isTTY !== true;
      const prompt = options.prompt ?? (piped ? (await text(process.stdin)).trimEnd() : undefined);
      if (prompt === undefined && json)
        throw new UsageError("--json needs --prompt or text on standard input");
      if (prompt !== undefined && prompt.trim() === "")
        throw new UsageError("nothing to answer: give --prompt, or text on standard input");
      const { model, tokenizer } = await loadToRun(file, options, (what) => note(what));
      if (options.system !== undefined && tokenizer.chatTemplate === null)
        throw new UsageError("--system: this model has no chat template; it completes texts");
      const machine = new GoldenMachine(model);
      try {
        const speaker = new Speaker(machine, tokenizer, { temperature, topK, topP, seed, tokens });
        const partner: Partner = {
          ...{ speaker, tokenizer, model: file ?? "the demo", context: machine.context },
          ...(options.system === undefined ? {} : { system: options.system }),
        };
        const interrupts = new Interrupts();
        await (prompt === undefined
          ? interactively(partner, interrupts)
          : once(partner, prompt, interrupts, json));
      } finally {
        machine.close();
      }
    });
};
