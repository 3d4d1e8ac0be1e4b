/** Hands out addresses of a memory that does not exist yet, then fills it. */
import { FIXED_END, writeTables } from "./kernels/memory.js";

const PAGE = 65536;
const LIMIT = 2 ** 32;
/** Everything begins on a cache line. */
const ALIGNMENT = 64;

export type Fill = (memory: ArrayBufferLike, address: number) => void;

export class Layout {
  private end = FIXED_END;
  private readonly fills: { readonly address: number; readonly fill: Fill }[] = [];

  constructor(
    /** For the error message. */
    private readonly name: string,
  ) {}

  /** The address of so many bytes; 0 where nothing fills them. */
  place(bytes: number, fill?: Fill): number {
    const address = Math.ceil(this.end / ALIGNMENT) * ALIGNMENT;
    this.end = address + bytes;
    if (fill) this.fills.push({ address, fill });
    return address;
  }

  placeInt32(values: Int32Array): number {
    return this.place(values.byteLength, (memory, address) =>
      new Int32Array(memory, address, values.length).set(values),
    );
  }

  placeInt16(values: Int16Array): number {
    return this.place(values.byteLength, (memory, address) =>
      new Int16Array(memory, address, values.length).set(values),
    );
  }

  placeInt64(value: number): number {
    return this.place(8, (memory, address) => new BigInt64Array(memory, address, 1).set([BigInt(value)]));
  }

  allocate(): WebAssembly.Memory {
    const pages = Math.ceil(this.end / PAGE);
    if (pages * PAGE > LIMIT) {
      const needed = (this.end / 2 ** 30).toFixed(1);
      throw new RangeError(
        `${this.name} needs ${needed} GiB; a WebAssembly memory has at most 4. Use fewer slots, smaller blocks of tokens, or golden/model`,
      );
    }
    const descriptor = { initial: pages, maximum: pages, shared: true }; // Node's types do not know the last
    const memory = new WebAssembly.Memory(descriptor);
    writeTables(memory.buffer);
    for (const { address, fill } of this.fills) fill(memory.buffer, address);
    return memory;
  }
}
