import assert from "node:assert/strict";
import { Random } from "../../golden/model/random.js";
import { EPILOGUES, FIELDS, OPS, type Op } from "../isa/instruction.js";
import {
  assemble,
  decode,
  encode,
  fieldsOf,
  type Instruction,
  instructions,
  type NumberField,
} from "./assemble.js";
import { disassemble } from "./disassemble.js";

const variants = OPS.flatMap((op): (readonly [Op, number])[] =>
  op === "mv" ? EPILOGUES.map((_, e) => [op, e]) : [[op, 0]],
);
const hasIncrements = (op: string): boolean => op === "base" || op === "end";

describe("assembler", () => {
  it("has no two fields of one instruction that share bits", () => {
    for (const [op, epilogue] of variants) {
      const names = ["op", ...fieldsOf(op, epilogue)] as (keyof typeof FIELDS)[];
      const owner = new Map<number, string>();
      const claim = (name: string, low: number, width: number): void => {
        for (let bit = low; bit < low + width; bit++) {
          assert.ok(bit < 256, `${op} ${name} ends beyond the word`);
          assert.equal(owner.get(bit), undefined, `${op} ${EPILOGUES[epilogue]}: ${name} shares bit ${bit}`);
          owner.set(bit, name);
        }
      };
      for (const name of names) claim(name, FIELDS[name][0], FIELDS[name][1]);
      if (hasIncrements(op)) claim("increments 1..7", 72, 168);
    }
  });

  it("decodes what it encodes", () => {
    const random = new Random(1);
    for (let round = 0; round < 200; round++)
      for (const [op, epilogue] of variants) {
        const fields: Partial<Record<NumberField, number>> = {};
        for (const name of fieldsOf(op, epilogue)) {
          const width = FIELDS[name][1];
          const raw = random.next() % 2 ** width;
          fields[name] = name === "scaleE" ? raw - 2 ** (width - 1) : raw;
        }
        if (op === "mv" || op === "emb") fields.epilogue = epilogue;
        const increments = Array.from({ length: 8 }, (_, r) =>
          r === 0 ? 0 : (random.next() % 2 ** 24) - 2 ** 23,
        );
        const instruction: Instruction = hasIncrements(op) ? { op, fields, increments } : { op, fields };
        assert.deepEqual(decode(encode(instruction)), instruction);
        assert.deepEqual(instructions(assemble([instruction])), [instruction]);
      }
  });

  it("writes four words, the least significant first", () => {
    assert.deepEqual(
      [...assemble([{ op: "quant", fields: { wait: 1, elements: 1 } }])],
      [0x108n, 0n, 0n, 1n << 51n],
    );
  });

  it("refuses values and fields that do not fit", () => {
    assert.throws(() => encode({ op: "mv", fields: { beats: 2 ** 22 }, comment: "down" }), {
      name: "CompileError",
      message: "mv (down): beats is 4194304; the instruction word holds 0..4194303",
    });
    assert.throws(
      () => encode({ op: "emb", fields: { scaleE: -513 } }),
      /emb: scaleE is -513; the instruction word holds -512..511/,
    );
    assert.throws(() => encode({ op: "quant", fields: { beats: 1 } }), /quant has no field 'beats'/);
    assert.throws(
      () => encode({ op: "mv", fields: { epilogue: EPILOGUES.indexOf("key"), dst: 0 } }),
      /mv has no field 'dst'/,
    );
    assert.throws(
      () => encode({ op: "halt", fields: {}, increments: new Array(8).fill(0) }),
      /halt has no increments/,
    );
    assert.throws(() => decode(15n), /15 is no op/);
  });

  it("disassembles", () => {
    const text = disassemble(
      [
        { op: "loop", fields: { countFrom: 1, target: 3 } },
        {
          op: "quant",
          fields: {
            tok: 0,
            elements: 64,
            dst: 8,
            dstStride: 64,
            act: 2,
            actBase: 1,
            slot: 3,
            wait: 1,
            signal: 2,
          },
        },
        { op: "end", fields: { target: 1 }, increments: [0, 5, -1, 0, 0, 0, 0, 0] },
        { op: "halt", fields: {}, comment: "the end" },
      ],
      { registers: ["zero", "layer"] },
    );
    assert.deepEqual(
      text
        .trimEnd()
        .split("\n")
        .map((line) => line.replace(/ +;/, " ;")),
      [
        "000  loop    TOKS  -> 3",
        "001    quant   vec 8+tok*64 x64  -> act 2+layer  [3]  wait normReady  signal actReady",
        "002  end     layer+=5  b2+=-1  -> 1",
        "003  halt ; the end",
      ],
    );
  });
});
