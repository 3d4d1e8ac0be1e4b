/** Trace points of the accelerator: output ports `trace_<point>_valid` and `trace_<point>_<field>`. */
export interface TraceField {
  readonly name: string;
  readonly width: number;
  readonly signed: boolean;
}
export const TRACE_POINTS = {
  residual: [
    { name: "value", width: 32, signed: true },
    { name: "tok", width: 4, signed: false },
    { name: "row", width: 18, signed: false },
  ],
  vector: [
    { name: "value", width: 32, signed: true },
    { name: "kind", width: 4, signed: false },
    { name: "tok", width: 4, signed: false },
    { name: "row", width: 18, signed: false },
  ],
  act: [{ name: "data", width: 32, signed: false }],
  cache: [
    { name: "value", width: 24, signed: true },
    { name: "kind", width: 4, signed: false },
    { name: "tok", width: 4, signed: false },
    { name: "row", width: 18, signed: false },
  ],
  code: [
    { name: "code", width: 8, signed: true },
    { name: "kind", width: 4, signed: false },
  ],
  cachescale: [
    { name: "data", width: 8, signed: false },
    { name: "kind", width: 4, signed: false },
  ],
  score: [{ name: "value", width: 24, signed: true }],
  prob: [{ name: "data", width: 8, signed: false }],
  probexp: [{ name: "value", width: 16, signed: true }],
  probsum: [{ name: "value", width: 40, signed: false }],
  logit: [{ name: "value", width: 32, signed: true }],
  token: [{ name: "value", width: 18, signed: false }],
} as const satisfies Record<string, readonly TraceField[]>;
export type TracePoint = keyof typeof TRACE_POINTS;
/** Every cycle of the stream unit is counted in exactly one of these. */
export const STREAM_COUNTERS = [
  "busy",
  "load",
  "wait_memory",
  "wait_result",
  "idle",
  "wait_normReady",
  "wait_actReady",
  "wait_queryReady",
  "wait_queryAct",
  "wait_scoreReady",
  "wait_scoreFree",
  "wait_probReady",
  "wait_probFree",
  "wait_attendReady",
  "wait_attendAct",
  "wait_hiddenReady",
  "wait_hiddenAct",
] as const;
