/** The tensors of a float model under their slot names: the way back from modelFloat.ts. */
import type { FloatLayer, FloatModel } from "../../model/float.js";
import { type LayerRole, type Slot, slotsOf } from "../architecture.js";

function ofLayer(layer: FloatLayer, role: LayerRole): Float32Array | undefined {
  switch (role) {
    case "attention_norm":
      return layer.attentionGain;
    case "ffn_norm":
      return layer.ffnGain;
    case "q_bias":
      return layer.bias?.q;
    case "k_bias":
      return layer.bias?.k;
    case "v_bias":
      return layer.bias?.v;
    case "q_norm":
      return layer.qkNorm?.q;
    case "k_norm":
      return layer.qkNorm?.k;
    case "attention_sub_norm":
      return layer.subNorm?.attention;
    case "ffn_sub_norm":
      return layer.subNorm?.ffn;
    default:
      return layer[role];
  }
}

function valuesOf(model: FloatModel, { role, layer }: Slot): Float32Array | undefined {
  switch (role) {
    case "embedding":
      return model.embedding;
    case "final_norm":
      return model.finalGain;
    case "head":
      return model.head;
    default:
      return ofLayer(model.layers[layer!]!, role);
  }
}

/** Every slot of the model with its values. */
export function tensorsOf(model: FloatModel): { readonly slot: Slot; readonly values: Float32Array }[] {
  return slotsOf({ ...model, family: "" }).map((slot) => {
    const values = valuesOf(model, slot);
    if (values === undefined) throw new RangeError(`the model lacks "${slot.name}"`);
    return { slot, values };
  });
}
