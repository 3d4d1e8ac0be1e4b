/**
 * What the trace points must show, from the golden forward pass: every tensor in the order in which the hardware gives
 * its elements (one token: rows in order; several: row block by row block, in it token by token).
 */
import type { TracePoint } from "../../generator/isa/trace.js";
import { TRACE_POINTS } from "../../generator/isa/trace.js";
import type { AcceleratorConfig } from "../../generator/isa/config.js";
import { EPILOGUES, type Epilogue } from "../../generator/isa/instruction.js";
import { forward, IntegerState } from "../../golden/model/integer.js";
import { gather, quantise, Sticky } from "../../golden/model/ops.js";
import type { QuantisedMatrix, QuantisedModel, TensorName } from "../../golden/model/types.js";
import type { Expectation, ExpectationSource } from "./compare.js";
import { batchTokens, inResultOrder } from "./interpreter/order.js";

type Values = ArrayLike<number>;

/** Tensors of one token. */
class Tensors {
  private readonly values = new Map<string, Values>();
  constructor(readonly position: number) {}
  set(tensor: TensorName, layer: number, values: Values): void {
    this.values.set(`${tensor} ${layer}`, values);
  }
  get(tensor: TensorName, layer: number): Values {
    const found = this.values.get(`${tensor} ${layer}`);
    if (found === undefined)
      throw new Error(`golden gave no ${tensor} of layer ${layer} at position ${this.position}`);
    return found;
  }
}

const kindOf = (epilogue: Epilogue): number => EPILOGUES.indexOf(epilogue);

/** Expectations of a run, made batch by batch as they are asked for. `model` is the compiler's (padded). */
export class GoldenExpectations implements ExpectationSource {
  private readonly state: IntegerState;
  private readonly tokens: number[];
  private readonly queues = new Map<TracePoint, { list: Expectation[]; at: number }>();
  private position = 0;

  constructor(
    private readonly model: QuantisedModel,
    private readonly config: AcceleratorConfig,
    private readonly prompt: ArrayLike<number>,
    private readonly total: number,
  ) {
    this.state = new IntegerState(model);
    this.tokens = Array.from(prompt);
    for (const point of Object.keys(TRACE_POINTS) as TracePoint[])
      this.queues.set(point, { list: [], at: 0 });
  }

  next(point: TracePoint): Expectation | undefined {
    const queue = this.queues.get(point)!;
    while (queue.at === queue.list.length) {
      if (this.position >= this.total) return undefined;
      this.batch();
    }
    return queue.list[queue.at++];
  }

  /** Golden's tokens so far: the prompt and every choice. */
  get chosen(): readonly number[] {
    return this.tokens;
  }

  private batch(): void {
    for (const queue of this.queues.values()) {
      queue.list = queue.list.slice(queue.at);
      queue.at = 0;
    }
    const { model, prompt } = this;
    const slots = model.sinks + model.window;
    const count = batchTokens(this.position, prompt.length, this.config.tokens, slots);
    const toks = Array.from({ length: count }, (_, i) => this.run(this.position + i));
    this.position += count;
    this.expect(toks, this.position >= prompt.length);
  }

  /** One golden token. The hardware also quantises the final norm inside a prompt; golden does so only for the head. */
  private run(position: number): Tensors {
    const { model, prompt } = this;
    const tensors = new Tensors(position);
    const head = position + 1 >= prompt.length;
    const next = forward(this.state, this.tokens[position]!, position, head, ({ tensor, layer, values }) =>
      tensors.set(tensor, layer, Array.from(values)),
    );
    if (head) this.tokens.push(next);
    else {
      const x = Int32Array.from(tensors.get("x_ffn", model.shape.layers - 1));
      const y = new Int32Array(x.length);
      const codes = new Int8Array(x.length);
      quantise(y, gather(x, model.finalGain, y, new Sticky()).maximum, codes);
      tensors.set("head_in", -1, codes);
    }
    return tensors;
  }

  private expect(toks: readonly Tensors[], last: boolean): void {
    const { model, config } = this;
    const { layers, heads, kvHeads, headDim, dim, hidden } = model.shape;
    const put = (
      point: TracePoint,
      t: Tensors,
      tensor: TensorName,
      layer: number,
      index: number,
      fields: readonly number[],
    ): void => {
      this.queues.get(point)!.list.push({ tensor, layer, position: t.position, index, fields });
    };
    const blockRows = (matrix: QuantisedMatrix): number =>
      matrix.format === "W4" || matrix.format === "W8" ? config.rows / 2 : config.rows;
    const order = (rows: number, matrix: QuantisedMatrix, visit: (tok: number, row: number) => void): void =>
      inResultOrder(rows, blockRows(matrix), toks.length, visit);
    const act = (
      t: Tensors,
      tensor: TensorName,
      layer: number,
      from = 0,
      to = t.get(tensor, layer).length,
    ): void => {
      const codes = t.get(tensor, layer);
      for (let i = from; i < to; i += 4) {
        const word =
          (codes[i]! & 255) |
          ((codes[i + 1]! & 255) << 8) |
          ((codes[i + 2]! & 255) << 16) |
          ((codes[i + 3]! & 255) << 24);
        put("act", t, tensor, layer, i, [word >>> 0]);
      }
    };
    const residual = (tensor: TensorName, layer: number, matrix: QuantisedMatrix): void =>
      order(dim, matrix, (tok, row) => {
        const t = toks[tok]!;
        put("residual", t, tensor, layer, row, [t.get(tensor, layer)[row]!, tok, row]);
      });

    toks.forEach((t, tok) => {
      const x = t.get("embedding", -1);
      for (let row = 0; row < dim; row++) put("residual", t, "embedding", -1, row, [x[row]!, tok, row]);
      act(t, "attn_in", 0);
    });
    for (let l = 0; l < layers; l++) {
      const { k, v, q, o, gate, down } = model.layers[l]!;
      for (const [epilogue, matrix, tensor, codes, scales] of [
        ["key", k, "k", "k_code", "k_scale"],
        ["value", v, "v", "v_code", "v_scale"],
      ] as const) {
        const kind = kindOf(epilogue);
        order(kvHeads * headDim, matrix, (tok, row) => {
          const t = toks[tok]!;
          // keys come as RoPE pairs
          const cached = (r: number): void =>
            put("cache", t, tensor, l, r, [t.get(tensor, l)[r]!, kind, tok, r]);
          const rows = epilogue === "value" ? [row] : row & 1 ? [row - 1, row] : [];
          if (!config.features.qkNorm) rows.forEach(cached);
          if ((row + 1) % headDim !== 0) return;
          // the norm of keys comes when a head is whole
          if (config.features.qkNorm) for (let r = row + 1 - headDim; r <= row; r++) cached(r);
          const head = (row + 1) / headDim - 1;
          put("cachescale", t, scales, l, head, [t.get(scales, l)[head]!, kind]);
          for (let r = row + 1 - headDim; r <= row; r++)
            put("code", t, codes, l, r, [t.get(codes, l)[r]!, kind]);
        });
      }
      for (let h = 0; h < heads; h++)
        order(headDim, q, (tok, row) => {
          const t = toks[tok]!;
          for (const r of row & 1 ? [row - 1, row] : [])
            put("vector", t, "q", l, h * headDim + r, [
              t.get("q", l)[h * headDim + r]!,
              kindOf("query"),
              tok,
              r,
            ]);
        });
      toks.forEach((t, tok) => {
        for (let h = 0; h < heads; h++) act(t, "q_code", l, h * headDim, (h + 1) * headDim);
        const whole = (point: TracePoint, tensor: TensorName): void => {
          const values = t.get(tensor, l);
          for (let i = 0; i < values.length; i++) put(point, t, tensor, l, i, [values[i]!]);
        };
        whole("score", "score");
        whole("prob", "p");
        whole("probexp", "p_exponent");
        whole("probsum", "p_sum");
        const out = t.get("attn_out", l);
        for (let i = 0; i < heads * headDim; i++)
          put("vector", t, "attn_out", l, i, [out[i]!, kindOf("attend"), tok, i % headDim]);
        act(t, "o_in", l);
      });
      residual("x_attn", l, o);
      for (const t of toks) act(t, "ffn_in", l);
      order(2 * hidden, gate, (tok, row) => {
        const t = toks[tok]!;
        if (row & 1)
          put("vector", t, "h", l, row >> 1, [t.get("h", l)[row >> 1]!, kindOf("gateup"), tok, row >> 1]);
      });
      for (const t of toks) act(t, "down_in", l);
      residual("x_ffn", l, down);
      for (const t of toks) act(t, l + 1 < layers ? "attn_in" : "head_in", l + 1 < layers ? l + 1 : -1);
    }
    if (!last) return;
    const t = toks.at(-1)!;
    const logits = t.get("logits", -1);
    for (let i = 0; i < logits.length; i++) put("logit", t, "logits", -1, i, [logits[i]!]);
    put("token", t, "token", -1, 0, [t.get("token", -1)[0]!]);
  }
}
