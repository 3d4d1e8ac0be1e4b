/**
 * Scales inline: steps of R bytes, eight to a scale beat, which stands in the stream where its first step is first needed.
 * Writer and reader count left-over steps exactly as the unpacker does.
 */
import { beatBytes, STEPS_PER_BEAT } from "./beats.js";

/** Beats of a matrix of `weightBeats` that needs `steps` steps in all. */
export const streamBeats = (weightBeats: number, steps: number): number =>
  weightBeats + Math.ceil(steps / STEPS_PER_BEAT);

export class StepWriter {
  private readonly bytes: Uint8Array;
  private readonly beat: number;
  /** Byte address of the next beat. */
  private at = 0;
  /** Steps that scale beats written so far still have room for. */
  private left = 0;
  private scaleBeat = 0;
  private index = STEPS_PER_BEAT;
  /** A scale beat already placed that follows the one being filled. */
  private nextScaleBeat = -1;

  constructor(
    private readonly rows: number,
    beats: number,
  ) {
    this.beat = beatBytes(rows);
    this.bytes = new Uint8Array(beats * this.beat);
  }

  /** Opens the steps that the next weight beat needs; `put` then fills them in order. */
  need(steps: number): void {
    if (this.left >= steps) return;
    this.nextScaleBeat = this.at;
    this.at += this.beat;
    this.left += STEPS_PER_BEAT;
  }

  /** Writes one step, R bytes. */
  put(step: ArrayLike<number>): void {
    if (this.index === STEPS_PER_BEAT) {
      if (this.nextScaleBeat < 0) throw new Error("a step was put that no weight beat needs");
      this.scaleBeat = this.nextScaleBeat;
      this.nextScaleBeat = -1;
      this.index = 0;
    }
    this.bytes.set(step, this.scaleBeat + this.index * this.rows);
    this.index++;
    this.left--;
  }

  /** Byte address of a fresh weight beat. */
  weightBeat(): number {
    const at = this.at;
    this.at += this.beat;
    return at;
  }

  /** The bytes to write nibbles into. */
  get data(): Uint8Array {
    return this.bytes;
  }

  finish(): Uint8Array {
    if (this.at !== this.bytes.length)
      throw new Error(`${this.at / this.beat} beats written, ${this.bytes.length / this.beat} expected`);
    return this.bytes;
  }
}

/** Walks the beats of one matrix: steps on demand, weight beats in order. */
export class StepReader {
  private readonly beat: number;
  private readonly pending: number[] = [];

  constructor(
    private readonly bytes: Uint8Array,
    private readonly rows: number,
    private at = 0,
  ) {
    this.beat = beatBytes(rows);
  }

  /** Takes the scale beat in front of the next weight beat when fewer than `steps` steps are left. */
  need(steps: number): void {
    if (this.pending.length >= steps) return;
    for (let i = 0; i < STEPS_PER_BEAT; i++) this.pending.push(this.take() + i * this.rows);
    this.at += this.beat;
  }

  /** Byte address of the next step. */
  step(): number {
    const step = this.pending.shift();
    if (step === undefined) throw new Error("a step is read that was not needed");
    return step;
  }

  /** Byte address of the next weight beat. */
  weightBeat(): number {
    const at = this.take();
    this.at += this.beat;
    return at;
  }

  /** Bytes consumed. */
  get position(): number {
    return this.at;
  }

  private take(): number {
    if (this.at + this.beat > this.bytes.length) throw new Error("the matrix is longer than its beats");
    return this.at;
  }
}
