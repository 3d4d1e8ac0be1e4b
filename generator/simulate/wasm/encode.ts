/**
 * WebAssembly binary format: as much of it as generated simulators need. One memory, which is imported; no tables.
 * https://webassembly.github.io/spec/core/binary/
 */

export const I32 = 0x7f;
export const I64 = 0x7e;
export type ValType = typeof I32 | typeof I64;

/** Opcodes without immediates, and those whose immediates have a method in `Code`. */
export const Op = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  return: 0x0f,
  call: 0x10,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  i32Load: 0x28,
  i64Load: 0x29,
  i32Load8S: 0x2c,
  i32Load8U: 0x2d,
  i32Load16S: 0x2e,
  i32Load16U: 0x2f,
  i32Store: 0x36,
  i64Store: 0x37,
  i32Store8: 0x3a,
  i32Store16: 0x3b,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i32LtS: 0x48,
  i32LtU: 0x49,
  i32GtU: 0x4b,
  i32LeS: 0x4c,
  i32LeU: 0x4d,
  i32GeU: 0x4f,
  i64Eqz: 0x50,
  i64Eq: 0x51,
  i64Ne: 0x52,
  i64LtS: 0x53,
  i64LtU: 0x54,
  i64LeS: 0x57,
  i64LeU: 0x58,
  i32Popcnt: 0x69,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32And: 0x71,
  i32Or: 0x72,
  i32Xor: 0x73,
  i32Shl: 0x74,
  i32ShrS: 0x75,
  i32ShrU: 0x76,
  i64Popcnt: 0x7b,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Mul: 0x7e,
  i64And: 0x83,
  i64Or: 0x84,
  i64Xor: 0x85,
  i64Shl: 0x86,
  i64ShrS: 0x87,
  i64ShrU: 0x88,
  i32WrapI64: 0xa7,
  i64ExtendI32S: 0xac,
  i64ExtendI32U: 0xad,
  i32Extend8S: 0xc0,
  i32Extend16S: 0xc1,
  i64Extend8S: 0xc2,
  i64Extend16S: 0xc3,
  i64Extend32S: 0xc4,
} as const;

const VOID = 0x40;

/** Bytes that grow. */
export class Bytes {
  private data = new Uint8Array(256);
  length = 0;

  byte(value: number): void {
    if (this.length === this.data.length) this.grow(this.length + 1);
    this.data[this.length++] = value;
  }

  append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.data.length) this.grow(this.length + bytes.length);
    this.data.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** LEB128, unsigned. */
  u32(value: number): void {
    let v = value >>> 0;
    while (v >= 0x80) {
      this.byte((v & 0x7f) | 0x80);
      v >>>= 7;
    }
    this.byte(v);
  }

  /** LEB128, signed, of the low 32 bits. */
  s32(value: number): void {
    let v = value | 0;
    for (;;) {
      const low = v & 0x7f;
      v >>= 7;
      if ((v === 0 && (low & 0x40) === 0) || (v === -1 && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  /** LEB128, signed, of the low 64 bits. */
  s64(value: bigint): void {
    let v = BigInt.asIntN(64, value);
    for (;;) {
      const low = Number(v & 0x7fn);
      v >>= 7n;
      if ((v === 0n && (low & 0x40) === 0) || (v === -1n && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u32(bytes.length);
    this.append(bytes);
  }

  take(): Uint8Array {
    return this.data.subarray(0, this.length);
  }

  private grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.data.length * 2));
    larger.set(this.take());
    this.data = larger;
  }
}

/** The body of one function. */
export class Code {
  readonly bytes = new Bytes();
  private readonly locals: ValType[] = [];
  private readonly free = new Map<ValType, number[]>([
    [I32, []],
    [I64, []],
  ]);

  constructor(
    readonly params: readonly ValType[],
    readonly results: readonly ValType[] = [],
  ) {}

  local(type: ValType): number {
    const reused = this.free.get(type)!.pop();
    if (reused !== undefined) return reused;
    this.locals.push(type);
    return this.params.length + this.locals.length - 1;
  }

  /** The local may serve for another value. */
  release(type: ValType, local: number): void {
    this.free.get(type)!.push(local);
  }

  op(...ops: number[]): this {
    for (const op of ops) this.bytes.byte(op);
    return this;
  }

  i32(value: number): this {
    this.bytes.byte(Op.i32Const);
    this.bytes.s32(value);
    return this;
  }

  i64(value: bigint): this {
    this.bytes.byte(Op.i64Const);
    this.bytes.s64(value);
    return this;
  }

  private indexed(op: number, index: number): this {
    this.bytes.byte(op);
    this.bytes.u32(index);
    return this;
  }

  get(local: number): this {
    return this.indexed(Op.localGet, local);
  }
  set(local: number): this {
    return this.indexed(Op.localSet, local);
  }
  tee(local: number): this {
    return this.indexed(Op.localTee, local);
  }
  globalGet(global: number): this {
    return this.indexed(Op.globalGet, global);
  }
  globalSet(global: number): this {
    return this.indexed(Op.globalSet, global);
  }
  call(fn: number): this {
    return this.indexed(Op.call, fn);
  }
  br(depth: number): this {
    return this.indexed(Op.br, depth);
  }
  brIf(depth: number): this {
    return this.indexed(Op.brIf, depth);
  }

  /** Load or store at the address on the stack plus `offset`; alignment is only a hint, so none is claimed. */
  memory(op: number, offset: number): this {
    this.bytes.byte(op);
    this.bytes.byte(0);
    this.bytes.u32(offset);
    return this;
  }

  if(): this {
    return this.op(Op.if, VOID);
  }
  else(): this {
    return this.op(Op.else);
  }
  loop(): this {
    return this.op(Op.loop, VOID);
  }
  block(): this {
    return this.op(Op.block, VOID);
  }
  end(): this {
    return this.op(Op.end);
  }

  encoded(): Uint8Array {
    const out = new Bytes();
    const runs: { type: ValType; count: number }[] = [];
    for (const type of this.locals) {
      const last = runs[runs.length - 1];
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    out.u32(runs.length);
    for (const run of runs) {
      out.u32(run.count);
      out.byte(run.type);
    }
    out.append(this.bytes.take());
    out.byte(Op.end);
    return out.take();
  }
}

export interface ImportedFunction {
  readonly module: string;
  readonly name: string;
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
}

/** A module over an imported memory `env.memory`; imported functions come first in the index space. */
export class WasmModule {
  private readonly functions: { code: Code; exported: string | null }[] = [];
  /** Mutable i32 globals, starting at 0. */
  private globals = 0;

  constructor(private readonly imports: readonly ImportedFunction[]) {}

  /** Index of the next function that `add` gets. */
  get nextFunction(): number {
    return this.imports.length + this.functions.length;
  }

  add(code: Code, exported: string | null = null): number {
    this.functions.push({ code, exported });
    return this.nextFunction - 1;
  }

  global(): number {
    return this.globals++;
  }

  encode(): Uint8Array {
    const types: string[] = [];
    const typeOf = (params: readonly ValType[], results: readonly ValType[]): number => {
      const text = [0x60, params.length, ...params, results.length, ...results].join();
      if (!types.includes(text)) types.push(text);
      return types.indexOf(text);
    };
    const importTypes = this.imports.map((f) => typeOf(f.params, f.results));
    const ownTypes = this.functions.map((f) => typeOf(f.code.params, f.code.results));

    const out = new Bytes();
    for (const b of [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(b);
    const section = (id: number, fill: (b: Bytes) => void): void => {
      const body = new Bytes();
      fill(body);
      out.byte(id);
      out.u32(body.length);
      out.append(body.take());
    };
    section(1, (b) => {
      b.u32(types.length);
      for (const t of types) for (const byte of t.split(",")) b.byte(Number(byte));
    });
    section(2, (b) => {
      b.u32(this.imports.length + 1);
      b.name("env");
      b.name("memory");
      for (const byte of [2, 0, 0]) b.byte(byte); // a memory of at least 0 pages: the engine makes it
      for (const [i, f] of this.imports.entries()) {
        b.name(f.module);
        b.name(f.name);
        b.byte(0);
        b.u32(importTypes[i]!);
      }
    });
    section(3, (b) => {
      b.u32(ownTypes.length);
      for (const t of ownTypes) b.u32(t);
    });
    if (this.globals > 0) {
      section(6, (b) => {
        b.u32(this.globals);
        for (let i = 0; i < this.globals; i++)
          for (const byte of [I32, 1, Op.i32Const, 0, Op.end]) b.byte(byte);
      });
    }
    section(7, (b) => {
      const exported = this.functions.flatMap((f, i) =>
        f.exported === null ? [] : [{ name: f.exported, i }],
      );
      b.u32(exported.length);
      for (const e of exported) {
        b.name(e.name);
        b.byte(0);
        b.u32(this.imports.length + e.i);
      }
    });
    section(10, (b) => {
      b.u32(this.functions.length);
      for (const f of this.functions) {
        const code = f.code.encoded();
        b.u32(code.length);
        b.append(code);
      }
    });
    return out.take();
  }
}
