/**
 * A conversation as the tokens that a model was trained on: its chat template, which is Jinja, is rendered as Hugging Face's
 * `apply_chat_template` does (transformers, src/transformers/utils/chat_template_utils.py).
 */
import { Template } from "@huggingface/jinja";
import { InputError } from "../import/error.js";
import type { TextTokenizer } from "../import/tokenizer.js";

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What of a tokenizer conversations need. */
export type ChatTokenizer = Pick<TextTokenizer, "bos" | "chatTemplate" | "marks" | "encode">;

/**
 * The text of a conversation up to where the assistant speaks. `model` is the file or folder, for messages: templates are
 * written by people, and refuse roles that they do not know.
 */
export function renderConversation(
  template: string,
  messages: readonly Message[],
  marks: TextTokenizer["marks"],
  model: string,
): string {
  try {
    return new Template(template).render({
      messages,
      add_generation_prompt: true,
      bos_token: marks.bos,
      eos_token: marks.eos,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = messages.some(({ role }) => role === "system")
      ? "Try without a system message, which not every model knows"
      : "Check the template in chat_template.jinja, tokenizer_config.json or tokenizer.chat_template";
    throw new InputError(
      `the model's chat template refuses the conversation (${reason})`,
      { file: model },
      remedy,
    );
  }
}

/**
 * Tokens of a conversation; of a model without a template, those of the one text that it completes. BOS stands in front
 * where the tokenizer puts one before every text, whether the template writes it or not, and never twice.
 */
export function encodeConversation(
  tokenizer: ChatTokenizer,
  messages: readonly Message[],
  model: string,
): number[] {
  const { bos, chatTemplate, marks } = tokenizer;
  if (chatTemplate === null) return tokenizer.encode(messages.at(-1)?.content ?? "");
  const tokens = tokenizer.encode(renderConversation(chatTemplate, messages, marks, model), false);
  return bos === null || tokens[0] === bos ? tokens : [bos, ...tokens];
}
