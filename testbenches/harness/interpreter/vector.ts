/** The quantiser and the softmax unit: contract sections 3 and 6. */
import { quantise, softmax } from "../../../golden/model/ops.js";
import { GROUP } from "../../../generator/engines/formats/beats.js";
import type { Machine } from "./machine.js";
import type { Job } from "./sequence.js";

export const quant = (machine: Machine, job: Job): void => {
  const count = job.field("elements");
  const source = machine.elements(job.dst, count);
  const at = machine.statistic(job.slot, job.tok);
  const codes = new Int8Array(count);
  machine.scale[at] = quantise(source, machine.maximum[at]!, codes);
  machine.activations(job.act, Math.ceil(count / GROUP)); // in range?
  machine.act.set(codes, job.act * GROUP);
  const view = new DataView(codes.buffer);
  for (let i = 0; i < count; i += 4) machine.trace("act", [view.getUint32(i, true)]);
};

export const softmaxOf = (machine: Machine, job: Job): void => {
  const scores = machine.scores.shift();
  if (scores === undefined) throw new Error(`instruction ${job.pc}: no scores`);
  const live = machine.live(job.position);
  if (scores.values.length !== live)
    throw new Error(`instruction ${job.pc}: scores of ${scores.values.length} slots, ${live} live`);
  const blocks = Math.ceil(live / GROUP);
  const p = new Int32Array(blocks * GROUP);
  const exponents = new Int32Array(blocks);
  const sum = softmax({
    scores: scores.values,
    scoresAt: 0,
    live,
    scales: scores.valueScales,
    scalesAt: 0,
    p,
    pAt: 0,
    exponents,
    exponentsAt: 0,
  });
  for (const v of p) machine.trace("prob", [v]);
  for (const e of exponents) machine.trace("probexp", [e]);
  machine.trace("probsum", [sum]);
  machine.probabilities.push({ live, p, exponents, sum });
};
