/**
 * The rules of AXI4 that a master has to keep (ARM IHI 0022, A3), looked at in every cycle: offers stand until they are taken,
 * bursts are INCR of whole words, aligned, within the limit and within 4 KB, WLAST is on the last word, no more bursts are
 * under way than agreed, and nothing is written that was not announced.
 */
import assert from "node:assert/strict";

export interface AddressOffer {
  readonly addr: bigint;
  readonly len: number;
  readonly size: number;
  readonly burst: number;
}
export interface AxiRules {
  readonly name: string;
  readonly dataBits: number;
  /** Most words of a burst. */
  readonly burst: number;
  readonly outstanding: number;
}
type Fields = readonly (bigint | number)[];

/** One channel: valid and payload hold until ready. */
class Held {
  private waiting: Fields | null = null;
  constructor(private readonly what: string) {}

  look(valid: boolean, ready: boolean, fields: () => Fields, cycle: number): void {
    if (this.waiting !== null) {
      assert.ok(valid, `${this.what}: an offer is withdrawn in cycle ${cycle}`);
      assert.deepEqual(fields(), this.waiting, `${this.what}: an offer changes in cycle ${cycle}`);
    }
    this.waiting = valid && !ready ? fields() : null;
  }
}

const PAGE = 4096n;

export class AxiMonitor {
  private readonly channels: Readonly<Record<"ar" | "aw" | "w", Held>>;
  private reads = 0;
  private writes = 0;
  /** Lengths of bursts whose words are still to come, and the words that came early. */
  private readonly lengths: number[] = [];
  private words = 0;
  readonly counts = { readBursts: 0, writeBursts: 0, readWords: 0, writeWords: 0, longest: 0, stalls: 0 };

  constructor(private readonly rules: AxiRules) {
    const held = (channel: string): Held => new Held(`${rules.name} ${channel}`);
    this.channels = { ar: held("AR"), aw: held("AW"), w: held("W") };
  }

  private burst(what: string, { addr, len, size, burst }: AddressOffer): void {
    const { dataBits, name } = this.rules;
    const bytes = BigInt(dataBits / 8);
    const where = `${name} ${what} ${addr.toString(16)} of ${len + 1} words`;
    assert.equal(burst, 1, `${where}: not INCR`);
    assert.equal(1 << size, dataBits / 8, `${where}: narrow`);
    assert.equal(addr % bytes, 0n, `${where}: unaligned`);
    assert.ok(len < this.rules.burst, `${where}: longer than ${this.rules.burst}`);
    const last = addr + bytes * BigInt(len + 1) - 1n;
    assert.equal(addr / PAGE, last / PAGE, `${where}: crosses 4 KB`);
    this.counts.longest = Math.max(this.counts.longest, len + 1);
  }

  address(
    channel: "ar" | "aw",
    valid: boolean,
    ready: boolean,
    offer: () => AddressOffer,
    cycle: number,
  ): void {
    const fields = (): Fields => Object.values(offer()) as Fields;
    this.channels[channel].look(valid, ready, fields, cycle);
    if (!valid) return;
    if (!ready) this.counts.stalls++;
    else if (channel === "ar") {
      this.burst("read", offer());
      this.counts.readBursts++;
      assert.ok(++this.reads <= this.rules.outstanding, `${this.rules.name}: too many reads under way`);
    } else {
      this.burst("write", offer());
      this.counts.writeBursts++;
      assert.ok(++this.writes <= this.rules.outstanding, `${this.rules.name}: too many writes under way`);
      this.lengths.push(offer().len);
    }
  }

  /** W may come before its AW, but then its LAST can be judged only later: the masters here never do that by much. */
  data(valid: boolean, ready: boolean, last: boolean, fields: () => Fields, cycle: number): void {
    this.channels.w.look(valid, ready, fields, cycle);
    if (!valid) return;
    if (!ready) {
      this.counts.stalls++;
      return;
    }
    this.counts.writeWords++;
    this.early.push(last);
    this.judge();
  }
  private readonly early: boolean[] = [];

  /** WLAST of words whose burst is announced. */
  judge(): void {
    while (this.lengths.length > 0 && this.early.length > 0) {
      const last = this.early.shift()!;
      const ends = this.words === this.lengths[0]!;
      assert.equal(last, ends, `${this.rules.name}: WLAST of word ${this.words} of ${this.lengths[0]! + 1}`);
      this.words = ends ? 0 : this.words + 1;
      if (ends) this.lengths.shift();
    }
  }

  /** A word has been read; `last` ends its burst. */
  wordRead(last: boolean): void {
    this.counts.readWords++;
    if (last) this.reads--;
  }
  writeDone(): void {
    this.writes--;
    assert.ok(this.writes >= 0, `${this.rules.name}: a response without a write`);
  }

  /** Everything announced has been written. */
  finish(): void {
    assert.deepEqual(
      { reads: this.reads, writes: this.writes, words: this.early.length, bursts: this.lengths.length },
      { reads: 0, writes: 0, words: 0, bursts: 0 },
      `${this.rules.name}: left over`,
    );
  }
}
