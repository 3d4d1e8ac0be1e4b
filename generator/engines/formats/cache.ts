/** Where the keys and values of one KV head lie. Beat addresses are relative to the head's first beat of keys or of values. */
import { GROUP, STEPS_PER_BEAT } from "./beats.js";

/** Beats of a unit of keys: one scale beat and eight row blocks of `groups` beats. */
export const keyUnitBeats = (groups: number): number => 1 + STEPS_PER_BEAT * groups;

/** Beats allocated for the keys of one head: whole units. */
export const keyBeats = (slots: number, groups: number, rows: number): number =>
  Math.ceil(slots / (STEPS_PER_BEAT * (rows / 2))) * keyUnitBeats(groups);

/** Beats read for `live` slots: row blocks and their scale beats. */
export const keyBeatsRead = (live: number, groups: number, rows: number): number => {
  const rowBlocks = Math.ceil(live / (rows / 2));
  return rowBlocks * groups + Math.ceil(rowBlocks / STEPS_PER_BEAT);
};

/** Beats from row block to row block of the values. */
export const valueStride = (slots: number): number => Math.ceil(slots / GROUP);

/** Beats allocated for the values of one head. */
export const valueBeats = (slots: number, headDim: number, rows: number): number =>
  Math.ceil(headDim / (rows / 2)) * valueStride(slots);

/** One nibble of a beat, or one byte. */
export interface Place {
  readonly beat: number;
  readonly index: number;
}

/** Nibble of element `column` of the key in `slot`. */
export const keyNibble = (slot: number, column: number, groups: number, rows: number): Place => {
  const block = Math.floor(slot / (rows / 2));
  const unit = Math.floor(block / STEPS_PER_BEAT);
  const beat =
    unit * keyUnitBeats(groups) + 1 + (block % STEPS_PER_BEAT) * groups + Math.floor(column / GROUP);
  return { beat, index: GROUP * (slot % (rows / 2)) + (column % GROUP) };
};

/** Byte of the scale of the key in `slot`; that of its value is the next byte. Both lie in the keys. */
export const keyScale = (slot: number, groups: number, rows: number): Place => {
  const block = Math.floor(slot / (rows / 2));
  const unit = Math.floor(block / STEPS_PER_BEAT);
  return {
    beat: unit * keyUnitBeats(groups),
    index: rows * (block % STEPS_PER_BEAT) + 2 * (slot % (rows / 2)),
  };
};

/** Nibble of element `row` of the value in `slot`. */
export const valueNibble = (row: number, slot: number, stride: number, rows: number): Place => ({
  beat: Math.floor(row / (rows / 2)) * stride + Math.floor(slot / GROUP),
  index: GROUP * (row % (rows / 2)) + (slot % GROUP),
});
