/** A WebAssembly module under construction: functions of statements, over one shared memory that is imported. */
import { text, unsigned } from "./bytes.js";
import { add, type Expr, i32, lt, type Operand, type Type } from "./expression.js";

const CODE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;
const VOID = 0x40;

/** A local variable; as an expression, its value. */
export interface Local<T extends Type> extends Expr<T> {
  readonly index: number;
}

/** The body of one function: statements are appended in the order of the calls. */
export class Body {
  readonly bytes: number[] = [];
  private readonly locals: Type[] = [];

  constructor(private readonly params: number) {}

  /** A new variable, set to a value where one is given (else 0, once per call of the function). */
  local<T extends Type>(type: T, value?: Expr<NoInfer<T>>): Local<T> {
    this.locals.push(type);
    const local = localAt(type, this.params + this.locals.length - 1);
    if (value) this.set(local, value);
    return local;
  }

  /** A new variable with a value. */
  let<T extends Type>(value: Expr<T>): Local<T> {
    return this.local(value.type, value);
  }

  set<T extends Type>(local: Local<T>, value: Expr<NoInfer<T>>): void {
    this.bytes.push(...value.bytes, 0x21, ...unsigned(local.index));
  }

  do(statement: Expr<"void">): void {
    this.bytes.push(...statement.bytes);
  }

  drop(value: Expr<Type>): void {
    this.bytes.push(...value.bytes, 0x1a);
  }

  if(condition: Expr<"i32">, then: () => void, otherwise?: () => void): void {
    this.bytes.push(...condition.bytes, 0x04, VOID);
    then();
    if (otherwise) {
      this.bytes.push(0x05);
      otherwise();
    }
    this.bytes.push(0x0b);
  }

  /** The test stands at the end of the loop, and once more before it. */
  while(condition: Expr<"i32">, body: () => void): void {
    this.if(condition, () => {
      this.bytes.push(0x03, VOID);
      body();
      this.bytes.push(...condition.bytes, 0x0d, 0, 0x0b);
    });
  }

  /** from, from + step ... below `to`; `to` and `step` are computed again at every turn. */
  for(from: Expr<"i32">, to: Operand<"i32">, step: Operand<"i32">, body: (i: Local<"i32">) => void): void {
    const i = this.let(from);
    this.while(lt(i, to), () => {
      body(i);
      this.set(i, add(i, step));
    });
  }

  return(value?: Expr<Type>): void {
    this.bytes.push(...(value?.bytes ?? []), 0x0f);
  }

  trap(): void {
    this.bytes.push(0x00);
  }

  encoded(): number[] {
    const locals = this.locals.flatMap((type) => [1, CODE[type]]);
    return [...unsigned(this.locals.length), ...locals, ...this.bytes, 0x0b];
  }
}

function localAt<T extends Type>(type: T, index: number): Local<T> {
  return { type, index, bytes: [0x20, ...unsigned(index)] };
}

export type Params = readonly Type[];
type Locals<P extends Params> = { readonly [K in keyof P]: Local<P[K]> };
type Values<P extends Params> = { readonly [K in keyof P]: Expr<P[K]> };
/** How a function is called: its number, and the expression of a call. */
export type Callable<P extends Params, R extends Type | "void"> = (...args: Values<P>) => Expr<R>;

interface Defined {
  readonly name: string;
  readonly params: Params;
  readonly result: Type | "void";
  readonly body: Body;
}

export class Module {
  private readonly functions: Defined[] = [];
  private globals = 0;

  /** Defines a function; `build` fills its body and gives its result. Every function is exported under its name. */
  func<const P extends Params, R extends Type | "void">(
    name: string,
    params: P,
    result: R,
    build: (body: Body, ...locals: Locals<P>) => R extends Type ? Expr<R> : void,
  ): Callable<P, R> {
    const body = new Body(params.length);
    const index = this.functions.length;
    this.functions.push({ name, params, result, body });
    const locals = params.map((type, i) => localAt(type, i)) as unknown as Locals<P>;
    const value = build(body, ...locals);
    if (value) body.bytes.push(...value.bytes);
    return (...args) => ({
      type: result,
      bytes: [...args.flatMap((arg: Expr<Type>) => [...arg.bytes]), 0x10, ...unsigned(index)],
    });
  }

  /** A variable of the instance, and so of the thread: int32, 0 at first. */
  global(): { readonly value: Expr<"i32">; set(value: Expr<"i32">): Expr<"void"> } {
    const index = unsigned(this.globals++);
    return {
      value: { type: "i32", bytes: [0x23, ...index] },
      set: (value) => ({ type: "void", bytes: [...value.bytes, 0x24, ...index] }),
    };
  }

  /** The binary; it imports `env.memory`, shared, of at most `pages` pages. */
  encode(pages: number): Uint8Array<ArrayBuffer> {
    const section = (id: number, entries: readonly (readonly number[])[]): number[] => {
      const body = [...unsigned(entries.length), ...entries.flat()];
      return [id, ...unsigned(body.length), ...body];
    };
    const types = this.functions.map(({ params, result }) => [
      0x60,
      ...[params.length, ...params.map((type) => CODE[type])],
      ...(result === "void" ? [0] : [1, CODE[result]]),
    ]);
    const shared = 0x03; // with a maximum
    const memory = [...text("env"), ...text("memory"), 0x02, shared, 0, ...unsigned(pages)];
    return Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, types),
      ...section(2, [memory]),
      ...section(
        3,
        this.functions.map((_, i) => unsigned(i)),
      ),
      ...section(
        6,
        Array.from({ length: this.globals }, () => [CODE.i32, 1, ...i32(0).bytes, 0x0b]),
      ),
      ...section(
        7,
        this.functions.map(({ name }, i) => [...text(name), 0x00, ...unsigned(i)]),
      ),
      ...section(
        10,
        this.functions.map(({ body }) => {
          const code = body.encoded();
          return [...unsigned(code.length), ...code];
        }),
      ),
    ]);
  }
}
