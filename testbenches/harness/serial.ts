/** The host's end of a stand-alone board's UART, against the simulated chip: levels in, levels out, answers parsed. */
import { LINK } from "../../generator/isa/serial.js";
import { elaborate } from "../../generator/hdl/index.js";
import { type Handle, simulate, type Simulation } from "../../generator/simulate/index.js";

export type Answer =
  | { readonly kind: "token"; readonly token: number }
  | { readonly kind: "done"; readonly saturated: boolean }
  | { readonly kind: "identify"; readonly id: number }
  | { readonly kind: "error"; readonly byte: number };

const number24 = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255];
export const promptCommand = (tokens: readonly number[]): number[] => [
  LINK.prompt,
  ...number24(tokens.length),
  ...tokens.flatMap(number24),
];
export const goCommand = (total: number): number[] => [LINK.go, ...number24(total)];

const LENGTH = new Map<number, number>([
  [LINK.token, 3],
  [LINK.done, 1],
  [LINK.identify, 4],
  [LINK.error, 1],
]);

/** Splits received bytes into answers; throws on a byte that begins none. */
export const parseAnswers = (bytes: readonly number[]): Answer[] => {
  const answers: Answer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const letter = bytes[at]!;
    const length = LENGTH.get(letter);
    if (length === undefined) throw new RangeError(`byte ${letter} at ${at} begins no answer`);
    if (at + length >= bytes.length) break; // the rest is still on its way
    const value = bytes.slice(at + 1, at + 1 + length).reduceRight((sum, b) => sum * 256 + b, 0);
    at += 1 + length;
    if (letter === LINK.token) answers.push({ kind: "token", token: value });
    else if (letter === LINK.done) answers.push({ kind: "done", saturated: (value & 1) === 1 });
    else if (letter === LINK.identify) answers.push({ kind: "identify", id: value });
    else answers.push({ kind: "error", byte: value });
  }
  return answers;
};

/** A chip with ports `rx` and `tx`; time passes in `run`. */
export class SerialHost {
  readonly sim: Simulation;
  readonly received: number[] = [];
  private readonly levels: number[] = [];
  private sent = 0;
  private frame: { start: number; bits: number } | null = null;
  private cycle = 0;
  private readonly tx: Handle;

  constructor(
    def: Parameters<typeof elaborate>[0],
    private readonly divider: number,
  ) {
    this.sim = simulate(elaborate(def));
    this.sim.poke("rx", 1);
    this.sim.poke("rst", 1);
    this.sim.step(3);
    this.sim.poke("rst", 0);
    this.tx = this.sim.handle("tx");
  }

  send(bytes: readonly number[]): void {
    for (const byte of bytes) {
      this.levels.push(0);
      for (let i = 0; i < 8; i++) this.levels.push((byte >> i) & 1);
      this.levels.push(1);
    }
  }

  /** Until `stop` says so, looked at after every received byte and at the end of what is sent; throws after `most` cycles. */
  run(stop: () => boolean, most: number): void {
    for (const end = this.cycle + most; this.cycle < end; ) if (this.step(stop)) return;
    throw new Error(`nothing came within ${most} cycles; received so far: ${this.received.join(" ")}`);
  }

  /** So many cycles, whatever comes. */
  advance(cycles: number): void {
    for (const end = this.cycle + cycles; this.cycle < end; ) this.step(() => false);
  }

  /** One cycle; true when a byte came and `stop` says so. */
  private step(stop: () => boolean): boolean {
    if (this.cycle % this.divider === 0) {
      this.sim.poke("rx", this.levels[this.sent] ?? 1);
      if (this.sent < this.levels.length) this.sent++;
    }
    if (this.listen(this.tx.get() as number) && stop()) return true;
    this.sim.step();
    this.cycle++;
    return false;
  }

  /** Samples the middle of each bit; true when a byte is complete. */
  private listen(level: number): boolean {
    if (this.frame === null) {
      if (level === 0) this.frame = { start: this.cycle, bits: 0 };
      return false;
    }
    const into = this.cycle - this.frame.start - (this.divider >> 1);
    if (into < 0 || into % this.divider !== 0) return false;
    const bit = into / this.divider;
    if (bit >= 1 && bit <= 8) this.frame.bits |= level << (bit - 1);
    if (bit < 9) return false;
    if (level === 0) throw new Error(`no stop bit behind byte ${this.frame.bits}`);
    this.received.push(this.frame.bits);
    this.frame = null;
    return true;
  }
}
