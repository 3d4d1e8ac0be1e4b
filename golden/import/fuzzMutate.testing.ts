/** Damages files: what disks, copies and malice do to them. The same damage for the same dice. */
import type { Random } from "../model/prng.js";

/** Numbers that break readers: limits of types, sizes beyond any memory, one off the file's own length. */
function interesting(random: Random, length: number): bigint {
  const choices = [
    ...[0n, 1n, 2n, 0x7fn, 0xffn, 0x7fffn, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 32n],
    ...[(1n << 53n) - 1n, 1n << 53n, 1n << 60n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n],
    ...[BigInt(length), BigInt(length - 1), BigInt(length + 1), BigInt(length) * 8n],
  ];
  return choices[random.integer(0, choices.length - 1)]!;
}

type Damage = (bytes: Uint8Array, random: Random, place: () => number) => Uint8Array;

const flipBits: Damage = (bytes, random, place) => {
  for (let i = random.integer(1, 8); i > 0; i--) bytes[place()]! ^= 1 << random.integer(0, 7);
  return bytes;
};

const setBytes: Damage = (bytes, random, place) => {
  for (let i = random.integer(1, 4); i > 0; i--) bytes[place()] = random.next();
  return bytes;
};

/** Counts, lengths and offsets are 4 or 8 bytes wide. */
const setNumber: Damage = (bytes, random, place) => {
  const value = interesting(random, bytes.length);
  const width = random.integer(0, 1) === 0 ? 4 : 8;
  const at = place();
  for (let i = 0; i < width && at + i < bytes.length; i++)
    bytes[at + i] = Number((value >> BigInt(8 * i)) & 255n);
  return bytes;
};

const nudgeNumber: Damage = (bytes, random, place) => {
  bytes[place()]! += random.integer(0, 1) === 0 ? 1 : 255;
  return bytes;
};

/** Two fields of the same width change places. */
const swap: Damage = (bytes, random, place) => {
  const width = [1, 4, 8][random.integer(0, 2)]!;
  const [a, b] = [place(), place()];
  for (let i = 0; i < width && Math.max(a, b) + i < bytes.length; i++)
    [bytes[a + i], bytes[b + i]] = [bytes[b + i]!, bytes[a + i]!];
  return bytes;
};

const cutOff: Damage = (bytes, random, place) =>
  bytes.slice(0, random.integer(0, 2) === 0 ? random.integer(0, bytes.length - 1) : place());

const append: Damage = (bytes, random) => {
  const longer = new Uint8Array(bytes.length + random.integer(1, 64));
  longer.set(bytes);
  for (let i = bytes.length; i < longer.length; i++) longer[i] = random.next();
  return longer;
};

/** Some bytes are missing, or there twice. */
const shift: Damage = (bytes, random, place) => {
  const at = place();
  const count = random.integer(1, 16);
  const rest = random.integer(0, 1) === 0 ? at + count : Math.max(0, at - count);
  const out = new Uint8Array(at + Math.max(0, bytes.length - rest));
  out.set(bytes.subarray(0, at));
  out.set(bytes.subarray(rest), at);
  return out;
};

/** A few bytes from elsewhere: in texts they stay texts, in tables they are plausible numbers. */
const borrow: Damage = (bytes, random, place) => {
  const [from, to] = [place(), place()];
  bytes.set(bytes.slice(from, Math.min(from + random.integer(1, 8), from + bytes.length - to)), to);
  return bytes;
};

/** Digits of numbers in text headers; runs of nines make huge ones. */
const digits: Damage = (bytes, random, place) => {
  let at = place();
  for (let tries = 0; tries < 200 && !(bytes[at]! >= 48 && bytes[at]! <= 57); tries++) at = place();
  for (let i = random.integer(1, 12); i > 0 && at < bytes.length; i--, at++)
    bytes[at] = random.integer(0, 1) === 0 ? 57 : 48 + random.integer(0, 9);
  return bytes;
};

const DAMAGES = [
  ...[flipBits, setBytes, setNumber, setNumber, nudgeNumber, swap],
  ...[cutOff, append, shift, borrow, borrow, digits, digits],
];

/** A damaged copy; most damage is done to the first `header` bytes, where there is most to break. */
export function mutate(file: Uint8Array, header: number, random: Random): Uint8Array {
  let bytes: Uint8Array = new Uint8Array(file); // slice() of a Buffer would share its bytes
  for (let i = Math.max(1, random.integer(-1, 3)); i > 0 && bytes.length > 0; i--) {
    const place = (): number =>
      random.integer(0, (random.integer(0, 4) > 0 ? Math.min(header, bytes.length) : bytes.length) - 1);
    bytes = DAMAGES[random.integer(0, DAMAGES.length - 1)]!(bytes, random, place);
  }
  return bytes;
}
