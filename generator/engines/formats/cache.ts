/** Where the keys and values of one KV head lie. Beat addresses are relative to the head's first beat of keys or of values. */
import { GROUP, STEPS_PER_BEAT } from "./beats.js";

/** Beats that hold the digits of a group: 8-bit codes have high digits in one and low digits in the next. */
export type DigitBeats = 1 | 2;

/** Beats of a unit of keys: one scale beat and eight row blocks of `groups` groups. */
export const keyUnitBeats = (groups: number, digits: DigitBeats = 1): number =>
  1 + STEPS_PER_BEAT * groups * digits;

/** Beats allocated for the keys of one head: whole units. */
export const keyBeats = (slots: number, groups: number, rows: number, digits: DigitBeats = 1): number =>
  Math.ceil(slots / (STEPS_PER_BEAT * (rows / 2))) * keyUnitBeats(groups, digits);

/** Beats read for `live` slots: row blocks and their scale beats. */
export const keyBeatsRead = (live: number, groups: number, rows: number, digits: DigitBeats = 1): number => {
  const rowBlocks = Math.ceil(live / (rows / 2));
  return rowBlocks * groups * digits + Math.ceil(rowBlocks / STEPS_PER_BEAT);
};

/** Beats from row block to row block of the values. */
export const valueStride = (slots: number, digits: DigitBeats = 1): number =>
  Math.ceil(slots / GROUP) * digits;

/** Beats allocated for the values of one head. */
export const valueBeats = (slots: number, headDim: number, rows: number, digits: DigitBeats = 1): number =>
  Math.ceil(headDim / (rows / 2)) * valueStride(slots, digits);

/** One nibble of a beat, or one byte. */
export interface Place {
  readonly beat: number;
  readonly index: number;
}

/** Nibble of (the high digit of) element `column` of the key in `slot`; its low digit lies one beat further. */
export const keyNibble = (
  slot: number,
  column: number,
  groups: number,
  rows: number,
  digits: DigitBeats = 1,
): Place => {
  const block = Math.floor(slot / (rows / 2));
  const unit = Math.floor(block / STEPS_PER_BEAT);
  const group = (block % STEPS_PER_BEAT) * groups + Math.floor(column / GROUP);
  return {
    beat: unit * keyUnitBeats(groups, digits) + 1 + group * digits,
    index: GROUP * (slot % (rows / 2)) + (column % GROUP),
  };
};

/** Byte of the scale of the key in `slot`; that of its value is the next byte. Both lie in the keys. */
export const keyScale = (slot: number, groups: number, rows: number, digits: DigitBeats = 1): Place => {
  const block = Math.floor(slot / (rows / 2));
  const unit = Math.floor(block / STEPS_PER_BEAT);
  return {
    beat: unit * keyUnitBeats(groups, digits),
    index: rows * (block % STEPS_PER_BEAT) + 2 * (slot % (rows / 2)),
  };
};

/** Nibble of (the high digit of) element `row` of the value in `slot`; `stride` as valueStride says. */
export const valueNibble = (
  row: number,
  slot: number,
  stride: number,
  rows: number,
  digits: DigitBeats = 1,
): Place => ({
  beat: Math.floor(row / (rows / 2)) * stride + Math.floor(slot / GROUP) * digits,
  index: GROUP * (row % (rows / 2)) + (slot % GROUP),
});
