/** A conversation on a terminal or in a pipe: lines in, text out as it is spoken, what is to be said besides on the side. */
import { setImmediate } from "node:timers/promises";
import type { Ending, Speaker } from "../golden/chat/speak.js";
import { type ChatTokenizer, encodeConversation, type Message } from "../golden/chat/template.js";

export interface Partner {
  readonly speaker: Speaker;
  readonly tokenizer: ChatTokenizer;
  /** File or folder, for messages. */
  readonly model: string;
  /** Positions that there are. */
  readonly context: number;
  readonly system?: string;
}

/** Where text goes, and who may end it. */
export interface Surroundings {
  /** What the model says. */
  write(text: string): void;
  /** What is said about it. */
  note(text: string): void;
  interrupted(): boolean;
}

export interface Answer {
  readonly text: string;
  readonly ending: Ending;
  readonly promptTokens: number;
  readonly tokens: number;
  readonly seconds: number;
}

/** Text behind `messages`, unless they are too long for it. What a model without template completes stands in front. */
export const answer = async (
  { speaker, tokenizer, model, context }: Partner,
  messages: readonly Message[],
  { write, interrupted }: Pick<Surroundings, "write" | "interrupted">,
): Promise<Answer | { readonly tooLong: number }> => {
  const prompt = encodeConversation(tokenizer, messages, model);
  if (prompt.length > context) return { tooLong: prompt.length };
  if (tokenizer.chatTemplate === null) write(messages.at(-1)?.content ?? "");
  const start = performance.now();
  const talk = speaker.speak(prompt, interrupted);
  for (;;) {
    const { done, value } = await talk.next();
    if (done) {
      const seconds = (performance.now() - start) / 1000;
      const { text, ending, tokens } = value;
      return { text, ending, promptTokens: prompt.length, tokens: tokens.length, seconds };
    }
    if (value !== "") write(value);
    await setImmediate(); // signals are heard between tokens
  }
};

/** Why an answer ended, where its end does not say it. */
export const endingNote = (ending: Ending, tokens: number, context: number): string | null => {
  switch (ending) {
    case "stop":
      return null;
    case "length":
      return `ended after ${tokens} tokens; --tokens allows more`;
    case "context":
      return `ended: the context of ${context} positions is full`;
    case "interrupted":
      return "interrupted";
  }
};

/** Line for line until there are no more. "/new" forgets the conversation. Without a template every line is a text of its own. */
export const converse = async (
  partner: Partner,
  lines: AsyncIterable<string>,
  { write, note, interrupted, ready }: Surroundings & { ready(): void },
): Promise<void> => {
  const first: Message[] = partner.system === undefined ? [] : [{ role: "system", content: partner.system }];
  const remembers = partner.tokenizer.chatTemplate !== null;
  let messages = first;
  ready();
  for await (const line of lines) {
    if (line.trim() === "/new") {
      messages = first;
      note("a new conversation");
    } else if (line.trim() !== "") {
      const asked: Message[] = [...messages, { role: "user", content: line }];
      const said = await answer(partner, asked, { write, interrupted });
      if ("tooLong" in said) {
        const where = `a context of ${partner.context}`;
        note(
          remembers
            ? `the conversation has become ${said.tooLong} tokens long, too much for ${where}; /new begins another`
            : `${said.tooLong} tokens do not fit into ${where}`,
        );
      } else {
        write("\n");
        const ended = endingNote(said.ending, said.tokens, partner.context);
        if (ended !== null) note(ended);
        if (remembers) messages = [...asked, { role: "assistant", content: said.text }];
      }
    }
    ready();
  }
};
