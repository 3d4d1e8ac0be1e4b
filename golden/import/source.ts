/**
 * Where the tensors of a model come from, whatever the container: named, shaped, readable by rows, one at a time, so that a
 * 7B checkpoint passes through in little memory. Containers implement it; architectures are built from it.
 */

/** A file that is read in pieces; readers of hostile files ask for no more than `size`. */
export interface RandomAccess {
  /** For messages. */
  readonly file: string;
  readonly size: number;
  /** Exactly `length` bytes from `offset`; throws InputError when the file has fewer. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Codes that a file already keeps in few bits, exactly as they are: real weight = scale·(code - zero). */
export interface StoredCodes {
  /** Smallest and largest code of the type. */
  readonly low: number;
  readonly high: number;
  /** [rows·cols] */
  readonly codes: Int8Array;
  /** Inputs that share a scale; divides cols, or is cols. */
  readonly group: number;
  /** [rows·cols/group] */
  readonly scales: Float32Array;
  /** [rows·cols/group], or null where codes are symmetric. */
  readonly zeros: Float32Array | null;
}

export interface TensorInfo {
  readonly name: string;
  /** Type as the container calls it: F32, BF16, Q4_K, I2_S, GPTQ-4 ... */
  readonly type: string;
  /** Outermost first, as PyTorch: [rows, cols] or [n]. */
  readonly shape: readonly number[];
  /** Bytes in the file, and where they begin. */
  readonly bytes: number;
  readonly offset: number;
  readonly file: string;
  /** Why it cannot be read, when it cannot: a sentence without a full stop. */
  readonly unsupported?: string;
}

export interface TensorSource {
  /** File or folder, for messages. */
  readonly file: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Values of rows [from, from + count) of a matrix, of all of it without them. Rejects with InputError (NaN and infinities too). */
  read(name: string, from?: number, count?: number): Promise<Float32Array>;
  /** The codes of a tensor that is stored in few bits; null when it is not. */
  codes(name: string): Promise<StoredCodes | null>;
  close(): Promise<void>;
}
