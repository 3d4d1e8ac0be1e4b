/** Host programs of boards with AXI against the simulated accelerator: what they say, when they end, what they tell of errors. */
import assert from "node:assert/strict";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { execa } from "execa";
import { axiAccelerator } from "../../generator/accelerator/axiaccelerator.js";
import { elaborate } from "../../generator/hdl/index.js";
import { registerMap } from "../../generator/isa/registers.js";
import { randomFrom } from "../../generator/library/testing.js";
import { type AxiBehaviour, DECERR, OKAY, SLVERR } from "../../testbenches/harness/axislave.js";
import { AxiBridge } from "../../testbenches/harness/hostbridge.js";
import { boardOf } from "../boards/index.js";
import { commandOrSkip } from "./commands.testing.js";
import { hostFiles } from "./host.js";
import {
  answer,
  answerText,
  axi,
  axiInputFor,
  config,
  model,
  ProjectFolder,
  PYTHON_STUBS,
  type Ran,
  run,
  STOPPING,
  TEXT,
  tokenizer,
  XRT_STUBS,
} from "./programs.testing.js";

const CALM: AxiBehaviour = { rate: 0.9, latency: 8 };
const design = elaborate(axiAccelerator(config, axi));
const map = registerMap(config, axi);
const offsetOf = (name: string): number => map.registers.find((r) => r.name === name)!.offset;

/** One kind of board: how its program is made ready, and run. */
interface Program {
  readonly title: string;
  readonly board: string;
  readonly banks: boolean;
  readonly needs: "python3" | "g++";
  ready(folder: string): Promise<void>;
  command(args: readonly string[]): readonly [string, ...string[]];
}
const PROGRAMS: readonly Program[] = [
  {
    ...{ title: "the PYNQ driver", board: "kv260", banks: false, needs: "python3" },
    async ready(folder) {
      for (const ending of ["bit", "hwh"]) await writeFile(path.join(folder, `gateloom_npu.${ending}`), "");
    },
    command: (args) => ["python3", "gateloom.py", ...args],
  },
  {
    ...{ title: "the XRT program", board: "u55c", banks: true, needs: "g++" },
    async ready(folder) {
      await writeFile(path.join(folder, "a.xclbin"), "");
      // The Makefile's own command, against the stub in the place of XRT; its library is empty.
      const xrt = path.join(folder, "..", "..", "xrt");
      await mkdir(path.join(xrt, "lib"), { recursive: true });
      await symlink(path.join(XRT_STUBS, "include"), path.join(xrt, "include"));
      await execa("ar", ["rc", path.join(xrt, "lib", "libxrt_coreutil.a")]);
      await execa("make", [`XILINX_XRT=${xrt}`, "CXXFLAGS=-O0 -pedantic -Werror"], { cwd: folder });
    },
    command: (args) => ["./gateloom_host", "--xclbin", "a.xclbin", ...args],
  },
];

for (const program of PROGRAMS)
  describe(program.title, () => {
    let project: ProjectFolder;
    let bridge: AxiBridge;

    before(async function () {
      await commandOrSkip(this, program.needs);
      project = await ProjectFolder.of(hostFiles(axiInputFor(boardOf(program.board)!, design)));
      await program.ready(project.host);
      bridge = new AxiBridge(design, axi, {
        ...{ map, behaviour: CALM, random: randomFrom(7), bankBytes: 1 << 20, banks: program.banks },
      });
      await bridge.listen();
    });
    after(async () => {
      await bridge?.close();
      await project?.remove();
    });
    afterEach(() => {
      if (bridge !== undefined) bridge.behaviour = CALM;
    });

    const environment = () => ({
      GATELOOM_BRIDGE: bridge.address,
      GATELOOM_KERNEL: "gateloom_npu:{gateloom_npu_1}",
      PYTHONPATH: PYTHON_STUBS,
      PYTHONDONTWRITEBYTECODE: "1",
    });
    const drive = (args: readonly string[], input = ""): Promise<Ran> => {
      const [command, ...rest] = program.command(args);
      return run(command, rest, { cwd: project.host, env: environment(), input });
    };

    it("prints the prompt and golden's tokens behind it, then rate and counters", async () => {
      const ran = await drive(["--prompt", TEXT, "--tokens", "4"]);
      assert.equal(ran.code, 0, ran.err);
      const prompt = tokenizer.encode(TEXT);
      assert.equal(ran.out, `${TEXT}${answerText(prompt, 4)}\n`);
      assert.match(ran.err, /\(ended after 4 tokens; --tokens allows more\)/);
      assert.match(ran.err, new RegExp(`prompt of ${prompt.length} tokens: first token after .* tokens/s`));
      assert.match(ran.err, /\(the last run: cycles \d+.*busy \d+.*beats \d+\)/);
    });

    it("takes ids, lines one after the other, and says what is wrong with one of them", async () => {
      const ids = await drive(["--ids", "-", "--tokens", "2"], "[1, 261\n 270]");
      assert.equal(ids.out, `${answerText([1, 261, 270], 2)}\n`, ids.err);
      const long = "x".repeat(40);
      const ties = "the once in an é was  onther";
      const lines = await drive(["--tokens", "1"], `the\n\n${long}\n${ties}\n`);
      const said = (text: string): string => {
        const prompt = tokenizer.encode(text);
        return `${text}${answerText(prompt, 1)}\n`;
      };
      assert.equal(lines.out.replace(long, ""), said("the") + said(ties), lines.err);
      assert.match(lines.err, /the prompt has \d\d tokens, the context only 32; shorten it/);
      assert.equal(lines.code, 0);
      const outside = await drive(["--ids", "-"], "300");
      assert.match(outside.err, /token 300 is outside the vocabulary 0\.\.299/);
      assert.equal(outside.code, 1);
    });

    it("ends where the context is full: the last token lies round the window's end", async () => {
      const prompt = Array.from({ length: 31 }, (_, i) => 3 + 7 * i);
      const ran = await drive(["--ids", "-", "--tokens", "9"], prompt.join(" "));
      assert.equal(answer(prompt, 9).length, 2);
      assert.equal(ran.out, `${answerText(prompt, 9)}\n`, ran.err);
      assert.match(ran.err, /\(ended: the context of 32 positions is full\)/);
    });

    for (const [what, behaviour, words] of [
      [
        "SLVERR",
        { ...CALM, response: () => SLVERR },
        /m_axi_gmem\d: memory answered with an error \(SLVERR\)/,
      ],
      [
        "DECERR of the port that writes",
        { ...CALM, response: (_: bigint, write: boolean) => (write ? DECERR : OKAY) },
        /m_axi_cache: no memory answers at the address \(DECERR\)/,
      ],
    ] as const)
      it(`reports ${what} in words, and the next program runs`, async () => {
        bridge.behaviour = behaviour;
        const ran = await drive(["--ids", "-", "--tokens", "3"], "1 5");
        assert.match(ran.err, words);
        assert.match(ran.err, /gateloom: the run ended with an error/);
        assert.equal(ran.code, 1);
        bridge.behaviour = CALM;
        const next = await drive(["--ids", "-", "--tokens", "1"], "1 5");
        assert.equal(next.out, `${answerText([1, 5], 1)}\n`, next.err);
      });

    it("gives up when nothing comes, and what it leaves behind is ended by the next", async () => {
      bridge.behaviour = { ...CALM, silent: () => true };
      const ran = await drive(["--ids", "-", "--patience", "0.2"], "1 5");
      assert.match(ran.err, /no token came within 0\.2 s \(status: .*running/);
      assert.equal(ran.code, 1);
      bridge.behaviour = CALM;
      const next = await drive(["--ids", "-", "--tokens", "1"], "1 5");
      assert.equal(next.out, `${answerText([1, 5], 1)}\n`, next.err);
    });

    it("ends at a stop token, which is not said, and stops the run", async () => {
      const prompt = tokenizer.encode(STOPPING);
      const writes = bridge.writes.length;
      const ran = await drive(["--prompt", STOPPING, "--tokens", "20"]);
      assert.ok(answer(prompt, 20).length < 20);
      assert.equal(ran.out, `${STOPPING}${answerText(prompt, 20)}\n`, ran.err);
      assert.doesNotMatch(ran.err, /^\(ended/m);
      assert.deepEqual(
        bridge.writes.slice(writes).filter(({ offset }) => offset === offsetOf("command")),
        [{ offset: offsetOf("command"), value: 1 }],
      );
    });

    it("is interrupted in the middle of a run, which it stops", async () => {
      bridge.behaviour = { ...CALM, silent: () => true };
      const from = bridge.writes.length;
      const wrote = async (name: string): Promise<void> => {
        const isThere = () =>
          bridge.writes.slice(from).some((w) => w.offset === offsetOf(name) && w.value === 1);
        while (!isThere()) await setTimeout(5);
      };
      const [command, ...rest] = program.command(["--ids", "-"]);
      const at = { cwd: project.host, env: environment(), input: "1 5", reject: false } as const;
      const child = execa(command, rest, at);
      await wrote("ap_ctrl");
      child.kill("SIGINT");
      await wrote("command");
      bridge.behaviour = CALM;
      const { stdout, stderr, exitCode } = await child;
      assert.equal(stdout.trim(), "");
      assert.match(stderr, /^\(interrupted\)$/m);
      assert.equal(exitCode, 130);
    });

    it("gives answers as JSON with what the counters say", async () => {
      const ran = await drive(["--json", "--tokens", "3"], `the\nwas "é"\n`);
      const said = ran.out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown);
      for (const [i, prompt] of ["the", 'was "é"'].entries()) {
        const ids = tokenizer.encode(prompt);
        const { seconds, counters, saturated, ...rest } = said[i] as Record<string, unknown>;
        const text = answerText(ids, 3);
        const ending = answer(ids, 3).length < 3 ? "stop" : "length";
        const tokens = answer(ids, 3).length;
        assert.deepEqual(rest, { prompt, text, ending, promptTokens: ids.length, tokens });
        assert.ok(Number(seconds) > 0);
        assert.equal(typeof saturated, "boolean");
        const { cycles = 0, beats = 0 } = counters as { cycles?: number; beats?: number };
        assert.ok(cycles > 1000 && beats > 100);
      }
      assert.equal(ran.err, "");
    });

    it("refuses an image that was changed", async () => {
      const name = path.join(project.host, "image.bin");
      const image = await readFile(name);
      const changed = Uint8Array.from(image);
      changed[1000]! ^= 1;
      await writeFile(name, changed);
      const ran = await drive(["--prompt", "a"]);
      await writeFile(name, image);
      assert.match(ran.err, /^gateloom: .*image\.bin is not the file of this export/m);
      assert.equal(ran.code, 1);
    });

    it("refuses a bitstream or files that are not there or not of this export", async () => {
      const missing = await drive(program.needs === "g++" ? ["--data", "nowhere"] : ["--bit", "nowhere.bit"]);
      assert.match(missing.err, /^gateloom: nowhere/m);
      assert.equal(missing.code, 1);
      bridge.instead.set(offsetOf("configuration"), 0xab);
      const other = await drive(["--prompt", "a"]);
      bridge.instead.clear();
      assert.match(
        other.err,
        /register configuration says .*: take (bitstream|xclbin) and files of one export/,
      );
      assert.equal(other.code, 1);
    });

    it("says how it is used", async () => {
      assert.equal((await drive(["--tokens", "0"])).code, 2);
      assert.match((await drive(["--help"])).out, /--prompt/);
    });
  });

describe("the XRT program behind gateloom_text.py", () => {
  const xrt = PROGRAMS[1]!;
  let project: ProjectFolder;
  let bridge: AxiBridge;
  before(async function () {
    await commandOrSkip(this, "python3");
    await commandOrSkip(this, "g++");
    project = await ProjectFolder.of(hostFiles(axiInputFor(boardOf("u55c")!, design)));
    await xrt.ready(project.host);
    bridge = new AxiBridge(design, axi, {
      ...{ map, behaviour: CALM, random: randomFrom(8), bankBytes: 1 << 20, banks: true },
    });
    await bridge.listen();
  });
  after(async () => {
    await bridge?.close();
    await project?.remove();
  });
  const at = (input = "") => ({
    cwd: project.host,
    env: {
      ...{ GATELOOM_BRIDGE: bridge.address, GATELOOM_KERNEL: "gateloom_npu:{gateloom_npu_1}" },
      PYTHONDONTWRITEBYTECODE: "1",
    },
    input,
  });
  const HOST = ["gateloom_text.py", "--host", "./gateloom_host --xclbin a.xclbin"];

  it("talks line for line, ends at stop tokens, and counts", async () => {
    const ran = await run("python3", [...HOST, "--tokens", "20"], at(`${STOPPING}\nwas é\n`));
    const said = (text: string): string => `${text}${answerText(tokenizer.encode(text), 20)}\n`;
    assert.equal(ran.out, said(STOPPING) + said("was é"), ran.err);
    assert.match(ran.err, /\(the last run: cycles \d+.*beats \d+\)/);
    assert.equal(ran.code, 0);
  });

  it("hands on what the accelerator and the program say of errors", async () => {
    bridge.behaviour = { ...CALM, response: () => DECERR };
    const ran = await run("python3", [...HOST, "--prompt", "the"], at());
    bridge.behaviour = CALM;
    assert.match(ran.err, /^gateloom: the run ended with an error.*m_axi_gmem\d: no memory answers/m);
    const missing = await run("python3", ["gateloom_text.py", "--host", "./nowhere"], at());
    assert.match(missing.err, /^gateloom: --host \.\/nowhere: /m);
    const usage = await run("python3", ["gateloom_text.py", "--host", "./gateloom_host"], at());
    assert.match(usage.err, /--xclbin names the built kernel.*has ended before it was ready/s);
    assert.deepEqual([ran.code, missing.code, usage.code], [1, 1, 1]);
  });

  it("hands on Ctrl-C, which ends the run", async () => {
    bridge.behaviour = { ...CALM, silent: () => true };
    const from = bridge.writes.length;
    const wrote = async (name: string): Promise<void> => {
      while (!bridge.writes.slice(from).some((w) => w.offset === offsetOf(name) && w.value === 1))
        await setTimeout(5);
    };
    const child = execa("python3", [...HOST, "--prompt", "the"], { ...at(), reject: false });
    await wrote("ap_ctrl");
    child.kill("SIGINT");
    await wrote("command");
    bridge.behaviour = CALM;
    const { stderr, exitCode } = await child;
    assert.match(stderr, /^\(interrupted\)$/m);
    assert.equal(exitCode, 130);
  });

  it("is not built where there is no XRT, and make says so", async () => {
    const ran = await run("make", ["-B", "XILINX_XRT=/nowhere"], at());
    assert.match(ran.err, /no XRT in XILINX_XRT=\/nowhere: install it and source/);
    assert.equal(ran.code, 2);
    assert.equal((await run("make", ["clean", "XILINX_XRT=/nowhere"], at())).code, 0);
  });
});

describe("host files", () => {
  it("carry the model's numbers, whatever its vocabulary", () => {
    const files = hostFiles(axiInputFor(boardOf("pynq-z2")!, design, null));
    const facts = JSON.parse(String(files.get("host/model.json")));
    assert.equal(facts.tokenizer, null);
    assert.equal(facts.vocab, model.shape.vocab);
    assert.deepEqual(facts.image.bytes, (files.get("host/image.bin") as Uint8Array).length);
    assert.equal(files.has("host/vocabulary.txt"), false);
  });
});
