/** The whole microprogram: start, the loop over tokens, the loop over layers. */
import type { QuantisedModel } from "../../../golden/model/types.js";
import { Assembler, listing, type Program } from "../assemble.js";
import { MicroError } from "../error.js";
import { type Image, type MatrixName, streamImage } from "../image.js";
import { type Layout, vmemLayout } from "../layout.js";
import { LANES, PROGRAM } from "../machine.js";
import { attention } from "./attention.js";
import type { Context } from "./context.js";
import { gateTimesUp, silu } from "./gate.js";
import { head } from "./head.js";
import { kindOf, matrices, matrixLabel } from "./matrix.js";
import { norm } from "./norm.js";
import { quantise, quantisePasses } from "./quantise.js";
import { addition, embedding } from "./residual.js";
import { recip, seekLayer, setScale } from "./scale.js";

export interface MicroProgram {
  readonly program: Program;
  readonly listing: string;
  readonly image: Image;
  readonly layout: Layout;
}

/** Throws a MicroError for a model that the machine cannot run. */
export function microProgram(model: QuantisedModel): MicroProgram {
  const image = streamImage(model);
  const layout = vmemLayout(model.shape);
  const a = new Assembler();
  const { shape, residualFraction } = model;
  main({ a, shape, residualFraction, layout, image });
  if (a.length > PROGRAM)
    throw new MicroError([
      `${model.name}: the microprogram has ${a.length} instructions, but the store ${PROGRAM}: fewer key/value heads, or as many groups of ` +
        "columns and the same weight format in all matrices, need fewer",
    ]);
  const program = a.assemble();
  return { program, listing: listing(program), image, layout };
}

function main(context: Context): void {
  constants(context);
  token(context);
  words(context);
  embedding(context);
  norm(context);
  quantise(context);
  recip(context);
  setScale(context);
  seekLayer(context);
  matrices(context);
  addition(context);
  silu(context);
  gateTimesUp(context);
  head(context);
  attention(context);
}

/** Once: E and the increments of RoPE from the stream's begin, when there is a first token and with it a loaded stream. */
function constants({ a, shape, layout }: Context): void {
  a.label("start");
  a.op({ seq: "wait" });
  a.op({ misc: ["seek", 0] });
  a.op({ misc: ["p0", layout.two24] });
  a.op({
    misc: ["c0", layout.increments - layout.two24 + shape.headDim / 2],
    ...{ seq: "call", target: "words" },
  });
}

/** c0 words of the stream to p0. Overwrites R, ACC, Q, MX, MY. */
function words({ a }: Context): void {
  a.label("words");
  a.op({ mx: "one", my: "half", tk: "2" });
  a.op({ ac: "=", my: "half", tk: "2" });
  a.op({ ac: "+hi" });
  a.op({ r: "acc" });
  a.op({ vw: "p0+", seq: "loop0", target: "words" });
  a.op({ seq: "ret" });
}

/** One token. The stream stands at the next part of the layer wherever nothing is sought. */
function token(context: Context): void {
  const { a, shape, layout, image } = context;
  const { dim, heads, headDim, hidden } = shape;
  a.label("token");
  a.op({ seq: "wait" });
  a.op({ r: "position" });
  a.op({ mx: "r", my: 1 });
  a.op({ ac: "=", mx: "one" });
  a.op({ ac: "+" });
  a.op({ r: "acc" });
  a.op({ vw: layout.live, seq: "call", target: "embedding" });
  a.label("token.embedded");
  a.op({ seq: "call", target: "rope.angles" });
  a.op({ misc: ["seek", image.firstLayer] });
  a.op({ misc: ["c3", shape.layers] });
  a.label("layer");
  a.op({ misc: ["p0", layout.layer] });
  a.op({ misc: ["c0", 2], seq: "call", target: "words" });
  a.op({ seq: "call", target: "norm" });
  a.label("layer.q");
  matrix(context, "q", layout.q, heads * headDim);
  matrix(context, "k", layout.k, shape.kvHeads * headDim);
  matrix(context, "v", layout.v, shape.kvHeads * headDim);
  a.label("layer.attention");
  a.op({ seq: "call", target: "attention" });
  a.label("layer.attended");
  a.op({ misc: ["p0", layout.o] });
  a.op({ misc: ["p1", layout.o] });
  a.op({ misc: ["c0", quantisePasses(heads * headDim)] });
  a.op({ misc: ["c1", heads * headDim], seq: "call", target: "maximum" });
  seek(context, image.o);
  a.label("layer.o");
  matrix(context, "o", layout.y, dim);
  a.op({ seq: "call", target: "addition" });
  a.label("layer.ffn");
  a.op({ seq: "call", target: "norm" });
  a.label("layer.gate");
  matrix(context, "gate", layout.gate, hidden);
  a.op({ seq: "call", target: "silu" });
  matrix(context, "up", layout.up, hidden);
  a.op({ seq: "call", target: "gate" });
  a.label("layer.h");
  a.op({ misc: ["p0", layout.gate] });
  a.op({ misc: ["c0", quantisePasses(hidden)], seq: "call", target: "quantise" });
  a.label("layer.down");
  matrix(context, "down", layout.y, dim);
  a.op({ seq: "call", target: "addition" });
  a.label("layer.end");
  a.op({ seq: "loop3", target: "layer" });
  a.op({ seq: "unwanted", target: "token.end" });
  a.op({ seq: "call", target: "norm" });
  a.label("token.head");
  a.op({ seq: "call", target: "head" });
  a.label("token.end");
  a.op({ r: "best" });
  a.op({ misc: "ack", seq: "jump", target: "token" });
}

function matrix(context: Context, name: MatrixName, destination: number, rows: number): void {
  const { a } = context;
  a.op({ misc: ["p1", destination - 1] });
  a.op({ misc: ["c2", rows / LANES], seq: "call", target: matrixLabel(kindOf(context, name)) });
}

/** To what begins so many words behind the begin of the layer. */
function seek({ a }: Context, words: number): void {
  a.op({ mx: "one", my: words });
  a.op({ seq: "call", target: "seekLayer" });
}
