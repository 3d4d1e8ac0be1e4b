/** The assembler: words, listing and every refusal. */
import assert from "node:assert/strict";
import { type Assembler, listing, program, type Written } from "./assemble.js";
import { decode, describe as text, encode, FIELD_NAMES, POSITIONS } from "./encode.js";
import { bitsOf, FIELDS, type Micro, WORD_BITS } from "./machine.js";

describe("micro/encode", () => {
  it("places every field where machine.ts says", () => {
    let bit = 0;
    for (const field of FIELD_NAMES) {
      const last = FIELDS[field].length - 1;
      const word = encode({ [field]: FIELDS[field][last] } as Micro);
      assert.equal(word, BigInt(last) << BigInt(bit), field);
      bit += bitsOf(field);
    }
    assert.equal(encode({ imm: 1 }), 1n << BigInt(bit));
    assert.equal(encode({ target: 767 }), 767n << BigInt(POSITIONS.target));
    assert.equal(POSITIONS.target + 10, WORD_BITS);
  });

  it("decodes what it encodes, for each code and for random words", () => {
    let x = 1;
    const random = (n: number): number => {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      return Math.floor((x / 2 ** 32) * n);
    };
    for (let i = 0; i < 500; i++) {
      const micro: Record<string, string | number> = {};
      for (const field of FIELD_NAMES) {
        const code = random(FIELDS[field].length);
        if (code > 0) micro[field] = FIELDS[field][code]!;
      }
      if (i % 2) micro.imm = 1 + random(65535);
      if (i % 3) micro.target = 1 + random(767);
      assert.deepEqual(decode(encode(micro as Micro)), micro);
    }
    assert.throws(() => decode(15n), /field vr has no code 15/);
  });

  it("says in words what an instruction does", () => {
    assert.equal(text({}), "(nothing)");
    assert.equal(
      text({ vr: "p0+", q: "roundImm", seq: "loop0", imm: 14, target: 9 }),
      "vr:p0+ q:roundImm seq:loop0 imm=14 -> 9",
    );
  });
});

describe("micro/assemble", () => {
  const one = (written: Written): Micro =>
    program((a) => {
      a.label("here");
      a.op(written);
    }).micros[0]!;

  it("resolves labels forwards and backwards; the listing names them", () => {
    const { micros, words, lines, labels } = program((a) => {
      a.op({ seq: "jump", target: "end" });
      a.label("loop");
      a.op({ vr: "p0+", seq: "loop0", target: "loop" });
      a.label("end");
      a.label("also");
      a.op({ seq: "ret" });
    });
    assert.deepEqual(micros, [
      { seq: "jump", target: 2 },
      { vr: "p0+", seq: "loop0", target: 1 },
      { seq: "ret" },
    ]);
    assert.deepEqual(words.map(decode), micros);
    assert.deepEqual(lines[2]!.labels, ["end", "also"]);
    assert.equal(labels.get("also"), 2);
    const written = listing({ micros, words, lines, labels }).split("\n");
    assert.match(written[0]!, /^ {4}0 {2}seq:jump -> end +; assemble\.test\.ts:\d+$/);
    assert.equal(written[1], "loop:");
  });

  it("numbers become imm; fields may share one where their bits agree", () => {
    assert.deepEqual(one({ vr: 300 }), { vr: "imm", imm: 300 });
    assert.deepEqual(one({ my: 44, q: "round44", misc: ["c0", 44] }), {
      my: "imm",
      q: "roundImm",
      misc: "c0=imm",
      imm: 44,
    });
    // 78 = 14 modulo 64
    assert.deepEqual(one({ vr: 78, q: "floor14" }), { vr: "imm", q: "floorImm", imm: 78 });
    assert.deepEqual(one({ q: "floor14", tb: ["exp", 78] }), { q: "floorImm", tb: "exp", imm: 78 });
    assert.deepEqual(one({ tb: ["plain", -1] }), { tb: "plain", imm: 1023 });
  });

  it("refuses what contradicts itself, with the line that wrote it", () => {
    const refused = (written: Written, message: RegExp): void => {
      assert.throws(() => one(written), new RegExp(`assemble\\.test\\.ts:\\d+: ${message.source}`));
    };
    refused({ vr: 5, my: 6 }, /my wants imm 6, but vr 5, my 6/);
    refused({ vr: 1024 }, /vr wants 1024, which is not in 0\.\.1023/);
    refused({ q: "round64" }, /q wants 64/);
    refused({ my: -1 }, /my wants -1/);
    refused({ seq: "jump" }, /jump without a target/);
    refused({ target: "here" }, /target here without a jump/);
    refused({ seq: "jump", target: "gone" }, /unknown label gone/);
    refused({ vr: "p0+", vw: "p0" }, /vr p0\+ and vw p0 step one pointer/);
    refused({ vr: "p0", vw: "p0" }, /vr p0 reads the word that vw writes/);
    refused({ vr: 3, vw: 3 }, /vr imm reads the word that vw writes/);
    refused({ vr: "p1+", misc: "p1=r" }, /vr p1\+ and misc p1=r write one pointer/);
    refused({ misc: ["c2", 1], seq: "loop2", target: "here" }, /misc c2=imm and seq loop2/);
    refused({ misc: ["seek", 1], tk: "1" }, /misc seek=imm and tk 1/);
    refused({ misc: "seek=r", sw: "half" }, /misc seek=r and sw half: SPRAM has one port/);
    refused({ tk: "1", sw: "half" }, /tk 1 and sw half: SPRAM has one port/);
    refused({ misc: "wp=r", sw: "half" }, /misc wp=r and sw half write WP/);
    refused({ misc: ["ar", 1], lane: "w2" }, /misc ar=imm and lane/);
    refused({ misc: ["aw", 1], aw: "write" }, /misc aw=imm and aw/);
    refused({ misc: "gs=0", gw: "dump" }, /misc gs=0 and gw or gr/);
    refused({ vr: "imm" }, /vr wants a number/);
  });

  it("refuses labels twice or behind the end, and programs that are too long", () => {
    const twice = (a: Assembler): void => {
      a.label("x");
      a.label("x");
      a.op({});
    };
    assert.throws(
      () => program(twice),
      /assemble\.test\.ts:\d+: label x stands at assemble\.test\.ts:\d+ already/,
    );
    assert.throws(() => program((a) => a.label("x")), /no instruction behind label x/);
    const long = (a: Assembler): void => {
      for (let i = 0; i < 769; i++) a.op({});
    };
    assert.throws(() => program(long), /the program has 769 microinstructions, the store 768/);
  });
});
