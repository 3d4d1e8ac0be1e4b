/**
 * The signals of AXI4 and AXI4-Lite as this library uses them (ARM IHI 0022): no ids, so everything comes back in order;
 * INCR bursts of whole words only. A port is two records, what the master drives and what the slave drives.
 */
import { bool, fail, lit, uint } from "../../hdl/index.js";

export const ADDRESS_BITS = 64;
/** No burst crosses a boundary of so many bytes. */
export const PAGE_BYTES = 4096;
export const RESPONSE = { okay: 0, exokay: 1, slverr: 2, decerr: 3 } as const;

export const bytesOf = (dataBits: number): number => dataBits / 8;
/** AxSIZE of a whole word. */
export const sizeOf = (dataBits: number): number => Math.round(Math.log2(bytesOf(dataBits)));

/** One port: width of a word, and the most words of a burst (16 for AXI3, up to 256 for AXI4), a power of two. */
export interface AxiPort {
  readonly dataBits: number;
  readonly burst: number;
  /** Bursts under way at most, a power of two. */
  readonly outstanding: number;
}

export const isPowerOfTwo = (n: number): boolean =>
  Number.isInteger(n) && n > 0 && 2 ** Math.round(Math.log2(n)) === n;

export const checkPort = ({ dataBits, burst, outstanding }: AxiPort): void => {
  if (!isPowerOfTwo(dataBits) || dataBits < 32 || dataBits > 512)
    fail(`an AXI data width is 32, 64, 128, 256 or 512 bits; this one is ${dataBits}`);
  if (!isPowerOfTwo(burst) || burst > 256)
    fail(`the burst limit is a power of two up to 256 words (AXI3: 16); this one is ${burst}`);
  if (burst * bytesOf(dataBits) > PAGE_BYTES)
    fail(
      `a burst of ${burst} words of ${dataBits} bits is longer than 4 KB; ${PAGE_BYTES / bytesOf(dataBits)} fit`,
    );
  if (!isPowerOfTwo(outstanding) || outstanding < 2 || outstanding > 64)
    fail(`outstanding bursts are a power of two from 2 to 64; this is ${outstanding}`);
};

/** The end of a module's name. */
export const portName = ({ dataBits, burst, outstanding }: AxiPort): string =>
  `${dataBits}b${burst}x${outstanding}`;

const addressChannel = <const P extends "ar" | "aw">(p: P) =>
  ({
    [`${p}addr`]: uint(ADDRESS_BITS),
    [`${p}len`]: uint(8),
    [`${p}size`]: uint(3),
    [`${p}burst`]: uint(2),
    [`${p}cache`]: uint(4),
    [`${p}prot`]: uint(3),
    [`${p}valid`]: bool,
  }) as {
    [K in `${P}addr`]: ReturnType<typeof uint<typeof ADDRESS_BITS>>;
  } & { [K in `${P}len`]: ReturnType<typeof uint<8>> } & {
    [K in `${P}size` | `${P}prot`]: ReturnType<typeof uint<3>>;
  } & { [K in `${P}burst`]: ReturnType<typeof uint<2>> } & {
    [K in `${P}cache`]: ReturnType<typeof uint<4>>;
  } & { [K in `${P}valid`]: typeof bool };

export const readMasterPorts = { ...addressChannel("ar"), rready: bool };
export const readSlavePorts = (dataBits: number) => ({
  arready: bool,
  rdata: uint<number>(dataBits),
  rresp: uint(2),
  rlast: bool,
  rvalid: bool,
});
export const writeMasterPorts = (dataBits: number) => ({
  ...addressChannel("aw"),
  wdata: uint<number>(dataBits),
  wstrb: uint<number>(bytesOf(dataBits)),
  wlast: bool,
  wvalid: bool,
  bready: bool,
});
export const writeSlavePorts = { awready: bool, wready: bool, bresp: uint(2), bvalid: bool };

/** INCR; modifiable and bufferable, which interconnects may widen and merge; unprivileged, secure, data. */
export const attributes = (dataBits: number) => ({
  size: lit(uint(3), sizeOf(dataBits)),
  burst: lit(uint(2), 1),
  cache: lit(uint(4), 3),
  prot: lit(uint(3), 0),
});

export const WORDS_BITS = 32;
/** `words` words from a byte address, which is a multiple of the word; none at all is allowed. */
export const transfer = { addr: uint(ADDRESS_BITS), words: uint(WORDS_BITS) };

/** What a master has to say of its slave, each for one cycle. */
export const faults = { slverr: bool, decerr: bool, timeout: bool };
