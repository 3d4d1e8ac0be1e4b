/** The UART program as `gateloom build --board icebreaker` writes it, against the simulated chip with its flash. */
import assert from "node:assert/strict";
import { bool, defineModule, uint, wire } from "../../generator/hdl/index.js";
import { microChip } from "../../generator/micro/board/chip.js";
import { flashContents, programIdentity } from "../../generator/micro/board/flash.js";
import { generate, IntegerState } from "../../golden/model/integer.js";
import { randomModel } from "../../golden/model/random.js";
import { SerialBridge } from "../../testbenches/harness/hostbridge.js";
import { spiFlash } from "../../testbenches/harness/microflash.js";
import { SerialHost } from "../../testbenches/harness/serial.js";
import { boardOf } from "../boards/index.js";
import { placeMicro } from "../micro/fit.js";
import { microProject } from "../micro/project.js";
import { commandOrSkip } from "./commands.testing.js";
import { ProjectFolder, PYTHON_STUBS, run, tokenizer } from "./programs.testing.js";
import { hostTokenizer } from "./tokenizer.js";

const SHAPE = { dim: 32, hidden: 64, layers: 1, heads: 1, kvHeads: 1, headDim: 32, vocab: 304, context: 32 };
const PORT = "/dev/ttyUSB1";
const DIVIDER = 8;
const FLASH_BITS = 15;
const OFFSET = 0x100000;

/** The chip, and the flash beside it. */
const board = (chip: Parameters<typeof microChip>[0]) =>
  defineModule(
    "board",
    {
      in: { rx: bool, load: { enable: bool, addr: uint(FLASH_BITS), data: uint(8) } },
      out: { tx: bool },
      doc: "Chip and flash, for simulation.",
    },
    ({ rx, load }) => {
      const miso = wire("miso", bool);
      const { tx, flash } = microChip(chip).inst("u_chip", { rx, miso });
      miso.drive(
        spiFlash({ offset: OFFSET, bytes: 2 ** FLASH_BITS }).inst("u_flash", { ...flash, load }).miso,
      );
      return { tx };
    },
  );

describe("the UART program of the micro machine", () => {
  const icebreaker = boardOf("icebreaker")!;
  const model = randomModel(SHAPE, 3);
  const { contents, program, positions } = placeMicro(icebreaker, model, SHAPE.context);
  const { words } = program.image;
  let project: ProjectFolder;
  let bridge: SerialBridge;

  before(async function () {
    await commandOrSkip(this, "python3");
    const { files } = microProject({
      ...{ board: icebreaker, name: "mini", model: "mini", contents, words, positions },
      ...{ vocab: SHAPE.vocab, clockMHz: icebreaker.clockMHz.value!, tokenizer: hostTokenizer(tokenizer) },
    });
    project = await ProjectFolder.of(files);
    const flash = { words: words.length, offset: OFFSET, program: programIdentity(contents) };
    const host = new SerialHost(board({ ...contents, positions, divider: DIVIDER, flash }), DIVIDER);
    // Faster than the chip reads.
    host.sim.poke("load_enable", 1);
    for (const [addr, data] of flashContents(contents, words).bytes.entries()) {
      host.sim.poke("load_addr", addr);
      host.sim.poke("load_data", data);
      host.advance(1);
    }
    host.sim.poke("load_enable", 0);
    host.advance(40 * 8 * words.length);
    bridge = new SerialBridge(host);
    await bridge.listen();
  });
  after(async () => {
    await bridge?.close();
    await project?.remove();
  });

  it("prints golden's tokens", async () => {
    const prompt = tokenizer.encode("once");
    const golden = generate(new IntegerState(model), prompt, prompt.length + 3).slice(prompt.length);
    const ran = await run(
      "python3",
      ["gateloom_serial.py", "--port", PORT, "--prompt", "once", "--tokens", "4", "--json"],
      {
        cwd: project.host,
        env: {
          ...{ GATELOOM_BRIDGE: bridge.address, GATELOOM_PORT: PORT, PYTHONPATH: PYTHON_STUBS },
          ...{ GATELOOM_BAUD: "1000000", PYTHONDONTWRITEBYTECODE: "1" },
        },
      },
    );
    const { text, tokens, saturated } = JSON.parse(ran.out || "{}") as Record<string, unknown>;
    const bytes = golden.flatMap((token, i) =>
      token < tokenizer.size ? [...tokenizer.piece(golden[i - 1] ?? prompt.at(-1)!, token)] : [],
    );
    assert.deepEqual(
      { text, tokens, saturated, code: ran.code },
      { text: new TextDecoder().decode(Uint8Array.from(bytes)), tokens: 4, saturated: false, code: 0 },
      ran.err,
    );
  });
});
