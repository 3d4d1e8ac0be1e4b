/** Templates of the two usual shapes (ChatML of SmolLM2 and Qwen, headers of Llama 3), their tokens, and what is refused. */
import assert from "node:assert/strict";
import { readHuggingFaceTokenizer } from "../import/huggingfaceTokenizer.js";
import { byteLevelTokenizer } from "../import/write/tokenizerJson.js";
import { encodeConversation, type Message, renderConversation } from "./template.js";

/** Puts a system message in front where there is none. */
const CHATML = `{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
You help.<|im_end|>
' }}{% endif %}{{'<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' + '
'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
' }}{% endif %}`;

const HEADERS = `{{- bos_token }}
{%- if messages[0]["role"] == "system" %}
    {%- set system = messages[0]["content"] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system = "" %}
{%- endif %}
{{- "<|head|>system<|/head|>\\n\\n" + system + eos_token }}
{%- for message in messages %}
    {%- if message.role not in ["user", "assistant"] %}{{ raise_exception("only user and assistant speak") }}{% endif %}
    {{- "<|head|>" + message["role"] + "<|/head|>\\n\\n" + message["content"] | trim + eos_token }}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<|head|>assistant<|/head|>\\n\\n" }}{% endif %}`;

const NO_SYSTEM = `{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{{ messages[-1].content }}`;

const marks = { bos: "<|begin|>", eos: "<|end|>" };
const user: Message = { role: "user", content: " Hi? " };
const system: Message = { role: "system", content: "Be short." };
const assistant: Message = { role: "assistant", content: "Hi." };

describe("chat templates", () => {
  it("ChatML", () =>
    assert.equal(
      renderConversation(CHATML, [user, assistant, user], marks, "m"),
      "<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\n Hi? <|im_end|>\n<|im_start|>assistant\nHi.<|im_end|>\n<|im_start|>user\n Hi? <|im_end|>\n<|im_start|>assistant\n",
    ));

  it("headers, with BOS and EOS by name and a system message", () =>
    assert.equal(
      renderConversation(HEADERS, [system, user], marks, "m"),
      "<|begin|><|head|>system<|/head|>\n\nBe short.<|end|><|head|>user<|/head|>\n\nHi?<|end|><|head|>assistant<|/head|>\n\n",
    ));

  it("what a template refuses, or what is no template, names the model", () => {
    assert.throws(() => renderConversation(NO_SYSTEM, [system, user], marks, "m.gguf"), {
      name: "InputError",
      message:
        /^m\.gguf: the model's chat template refuses the conversation \(System role not supported\)\. Try without a system message/,
    });
    assert.equal(renderConversation(NO_SYSTEM, [user], marks, "m"), " Hi? ");
    assert.throws(() => renderConversation("{% if %}", [user], marks, "m"), {
      name: "InputError",
      message: /^m: the model's chat template .*Check the template/,
    });
  });

  const special = ["<|begin|>", "<|end|>", "<|head|>", "<|/head|>"].map((content) => ({
    content,
    special: true,
  }));
  const tokenizer = (template: string | null, bos: boolean) =>
    readHuggingFaceTokenizer(JSON.stringify(byteLevelTokenizer([], special, bos)), {
      file: "tokenizer.json",
      settings: { bos_token: "<|begin|>", eos_token: { content: "<|end|>" }, chat_template: template },
    });
  const bytes = (text: string): number[] => tokenizer(null, false).encode(text);

  it("marks are tokens of their own; BOS stands there once", () => {
    const both = encodeConversation(tokenizer("{{ bos_token }}{{ messages[0].content }}", true), [user], "m");
    const [begin] = tokenizer(null, false).encode("<|begin|>");
    assert.deepEqual(both, [begin, ...bytes(" Hi? ")]);
    const added = encodeConversation(tokenizer("{{ messages[0].content }}", true), [user], "m");
    assert.deepEqual(added, [begin, ...bytes(" Hi? ")]);
    const none = encodeConversation(
      tokenizer("{{ messages[0].content }}{{ eos_token }}", false),
      [user],
      "m",
    );
    assert.deepEqual(none, [...bytes(" Hi? "), begin! + 1]);
  });

  it("without a template the last text is completed", () =>
    assert.deepEqual(encodeConversation(tokenizer(null, false), [user], "m"), bytes(" Hi? ")));
});
