/** The UART program against the simulated chip: what it says, and what it tells of boards that are not the right one. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { standalone } from "../../generator/accelerator/standalone.js";
import { powerOfTwo } from "../../generator/isa/config.js";
import { wordsOf } from "../../generator/compile/words.js";
import { SerialBridge } from "../../testbenches/harness/hostbridge.js";
import { SerialHost } from "../../testbenches/harness/serial.js";
import { boardOf } from "../boards/index.js";
import { baudFor, identity } from "../standalone.js";
import { commandOrSkip } from "./commands.testing.js";
import { hostFiles } from "./host.js";
import {
  answer,
  answerText,
  config,
  inputFor,
  ProjectFolder,
  PYTHON_STUBS,
  type Ran,
  run,
  STOPPING,
  TEXT,
  tokenizer,
} from "./programs.testing.js";

const DIVIDER = 4;
const PORT = "/dev/ttyUSB1";

describe("the UART program", () => {
  const input = inputFor(boardOf("arty-a7-100")!);
  let project: ProjectFolder;
  let bridge: SerialBridge;

  before(async function () {
    await commandOrSkip(this, "python3");
    project = await ProjectFolder.of(hostFiles(input));
    const { program, image, beatBytes, memoryBeats, registers } = input.compiled;
    const burnt = { program: [...program], image: wordsOf(image, beatBytes), registers };
    const chip = standalone(
      config,
      { ...burnt, beats: powerOfTwo(memoryBeats), id: identity(burnt.program) },
      DIVIDER,
    );
    bridge = new SerialBridge(new SerialHost(chip, DIVIDER));
    await bridge.listen();
  });
  after(async () => {
    await bridge?.close();
    await project?.remove();
  });

  const drive = (args: readonly string[], lines = "", behind = bridge): Promise<Ran> =>
    run("python3", ["gateloom_serial.py", ...args], {
      cwd: project.host,
      env: {
        ...{ GATELOOM_BRIDGE: behind.address, GATELOOM_PORT: PORT, PYTHONPATH: PYTHON_STUBS },
        ...{ GATELOOM_BAUD: String(baudFor(input.clockMHz)), PYTHONDONTWRITEBYTECODE: "1" },
      },
      input: lines,
    });

  it("prints golden's tokens behind each line, and ends at stop tokens", async () => {
    const ran = await drive(["--port", PORT, "--tokens", "8"], `${STOPPING}\nwas é\n`);
    const said = (text: string): string => `${text}${answerText(tokenizer.encode(text), 8)}\n`;
    // The first run goes on behind the stop token, unheard, until the second may begin.
    assert.ok(answer(tokenizer.encode(STOPPING), 8).length < 8);
    assert.equal(ran.out, said(STOPPING) + said("was é"), ran.err);
    assert.equal(ran.code, 0);
    const ids = tokenizer.encode(TEXT);
    const short = await drive(["--port", PORT, "--ids", "-", "--tokens", "2"], ids.join(" "));
    assert.equal(short.out, `${answerText(ids, 2)}\n`);
    assert.match(short.err, /\(ended after 2 tokens; --tokens allows more\)/);
    const json = await drive(["--port", PORT, "--prompt", TEXT, "--tokens", "2", "--json"]);
    const { seconds, ...rest } = JSON.parse(json.out) as { readonly seconds: number };
    assert.ok(seconds > 0);
    const text = answerText(ids, 2);
    assert.deepEqual(rest, {
      ...{ prompt: TEXT, text, ending: "length", promptTokens: ids.length, tokens: 2 },
      ...{ counters: {}, saturated: false },
    });
  });

  it("says when the port, the model or the whole board is not there", async () => {
    const port = await drive(["--port", "COM9"]);
    assert.match(port.err, /^gateloom: --port COM9: could not open port/m);
    const name = path.join(project.host, "model.json");
    const facts = await readFile(name, "utf8");
    await writeFile(name, facts.replace(/"id": \d+/, '"id": 5'));
    const other = await drive(["--port", PORT, "--prompt", "a"]);
    await writeFile(name, facts);
    assert.match(
      other.err,
      /the board holds another model or program \(id 0x[0-9a-f]{8}, these files are for 0x00000005\)/,
    );
    const mute = new SerialBridge({ received: [], send: () => undefined, advance: () => undefined });
    await mute.listen();
    try {
      const silent = await drive(["--port", PORT, "--patience", "0.2"], "", mute);
      assert.match(silent.err, /the board says nothing for 0\.2 s: check port, baud rate and bitstream/);
      assert.deepEqual([port.code, other.code, silent.code], [1, 1, 1]);
    } finally {
      await mute.close();
    }
  });

  it("comes with a document of the link", () => {
    const text = String(hostFiles(input).get("docs/link.md"));
    assert.match(text, /^UART, 1000000 baud/m);
    const id = identity([...input.compiled.program])
      .toString(16)
      .padStart(8, "0");
    assert.ok(text.includes(`0x${id} here`));
  });
});
