/** Waves: samples of some signals, the last so many cycles or all, as Value Change Dump text (IEEE 1364, clause 18). */

export interface TracedSignal {
  readonly name: string;
  readonly width: number;
}

export interface VcdRecorder {
  /** The recorded cycles and the present state as VCD; one cycle is 10 ns, and its edge is at its start. */
  text(): string;
  /** No more samples are taken. */
  stop(): void;
}

/** Samples of equal size in a ring that grows up to a limit. */
export class SampleRing {
  private words: Uint32Array;
  private capacity: number;
  private first = 0;
  private used = 0;
  private firstCycle = 0;

  constructor(
    private readonly stride: number,
    private readonly limit: number,
  ) {
    this.capacity = Math.min(limit, 256);
    this.words = new Uint32Array(this.capacity * stride);
  }

  push(cycle: number, words: Uint32Array, from: number): void {
    if (this.used === this.capacity) {
      if (this.capacity < this.limit) this.grow();
      else {
        this.first = (this.first + 1) % this.capacity;
        this.firstCycle++;
        this.used--;
      }
    }
    if (this.used === 0) this.firstCycle = cycle;
    const at = ((this.first + this.used) % this.capacity) * this.stride;
    for (let i = 0; i < this.stride; i++) this.words[at + i] = words[from + i]!;
    this.used++;
  }

  forEach(use: (cycle: number, words: Uint32Array) => void): void {
    for (let i = 0; i < this.used; i++) {
      const at = ((this.first + i) % this.capacity) * this.stride;
      use(this.firstCycle + i, this.words.subarray(at, at + this.stride));
    }
  }

  private grow(): void {
    const larger = new Uint32Array(Math.min(this.limit, this.capacity * 2) * this.stride);
    let at = 0;
    this.forEach((_, words) => {
      larger.set(words, at);
      at += this.stride;
    });
    this.words = larger;
    this.capacity = larger.length / this.stride;
    this.first = 0;
  }
}

/** Printable and short: base 94 from "!". */
function idOf(index: number): string {
  let id = "";
  for (let n = index; ; n = Math.floor(n / 94) - 1) {
    id = String.fromCharCode(33 + (n % 94)) + id;
    if (n < 94) return id;
  }
}

const PERIOD = 10;

/** Text of samples; `clock` adds a clock that rises where each cycle begins. */
export class VcdWriter {
  private readonly lines: string[] = [];
  private readonly last: string[] = [];
  private readonly ids: string[];
  private time = -1;

  constructor(
    top: string,
    private readonly signals: readonly TracedSignal[],
    private readonly clock: string | null,
  ) {
    this.ids = signals.map((_, i) => idOf(i + 1));
    this.lines.push("$timescale 1ns $end");
    this.scopes(top);
    this.lines.push("$enddefinitions $end");
  }

  /** Signals by scope; names are split at dots. */
  private scopes(top: string): void {
    interface Scope {
      readonly own: string[];
      readonly inner: Map<string, Scope>;
    }
    const root: Scope = { own: [], inner: new Map() };
    if (this.clock !== null) root.own.push(`$var wire 1 ${idOf(0)} ${this.clock} $end`);
    for (const [i, s] of this.signals.entries()) {
      const path = s.name.split(".");
      const name = path.pop()!;
      let scope = root;
      for (const part of path) {
        let next = scope.inner.get(part);
        if (next === undefined) {
          next = { own: [], inner: new Map() };
          scope.inner.set(part, next);
        }
        scope = next;
      }
      const range = s.width === 1 ? "" : ` [${s.width - 1}:0]`;
      scope.own.push(`$var wire ${s.width} ${this.ids[i]} ${name}${range} $end`);
    }
    const print = (name: string, scope: Scope): void => {
      this.lines.push(`$scope module ${name} $end`, ...scope.own);
      for (const [inner, s] of scope.inner) print(inner, s);
      this.lines.push("$upscope $end");
    };
    print(top, root);
  }

  /** `values` have the order of the signals. */
  sample(cycle: number, values: readonly bigint[]): void {
    const start = cycle * PERIOD;
    if (this.clock !== null && this.time >= 0) this.at(start - PERIOD / 2, [`0${idOf(0)}`]);
    const changes: string[] = this.clock === null ? [] : [`1${idOf(0)}`];
    for (const [i, s] of this.signals.entries()) {
      const text = s.width === 1 ? `${values[i]}${this.ids[i]}` : `b${values[i]!.toString(2)} ${this.ids[i]}`;
      if (text === this.last[i]) continue;
      this.last[i] = text;
      changes.push(text);
    }
    this.at(start, changes);
  }

  private at(time: number, changes: readonly string[]): void {
    if (changes.length === 0) return;
    if (time !== this.time) this.lines.push(`#${time}`);
    this.time = time;
    this.lines.push(...changes);
  }

  text(): string {
    return `${this.lines.join("\n")}\n`;
  }
}
