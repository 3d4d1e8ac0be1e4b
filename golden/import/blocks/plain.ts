/** F32, F16, BF16: one weight a block. */
import type { BlockCodec } from "./codec.js";
import { readBfloat, readHalf, writeBfloat, writeHalf } from "./half.js";

export const F32: BlockCodec = {
  type: "F32",
  id: 0,
  elements: 1,
  bytes: 4,
  decode: (bytes, at, out, to) => {
    out[to] = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getFloat32(0, true);
  },
  encode: (values, from, out, at) => {
    new DataView(out.buffer, out.byteOffset + at, 4).setFloat32(0, values[from]!, true);
  },
};

export const F16: BlockCodec = {
  type: "F16",
  id: 1,
  elements: 1,
  bytes: 2,
  decode: (bytes, at, out, to) => {
    out[to] = readHalf(bytes, at);
  },
  encode: (values, from, out, at) => writeHalf(values[from]!, out, at),
};

export const BF16: BlockCodec = {
  type: "BF16",
  id: 30,
  elements: 1,
  bytes: 2,
  decode: (bytes, at, out, to) => {
    out[to] = readBfloat(bytes, at);
  },
  encode: (values, from, out, at) => writeBfloat(values[from]!, out, at),
};
