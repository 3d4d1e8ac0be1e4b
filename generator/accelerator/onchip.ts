/** The accelerator with its memory on the chip. */
import { defineModule } from "../hdl/index.js";
import { type AcceleratorConfig, beatBits } from "../isa/config.js";
import { accelerator } from "./accelerator.js";
import { lateStream } from "./latestream.js";
import { memory } from "./memory.js";
import { hostOutputs, hostPorts, memoryLoad } from "./ports.js";

/** Accelerator and block RAM of `beats` beats (a power of two), which the host loads before the start. */
export const onchip = (c: AcceleratorConfig, beats: number) =>
  defineModule(
    "gateloom",
    {
      in: { ...hostPorts(c), load: memoryLoad(c, beats) },
      out: hostOutputs,
      doc: "Accelerator with on-chip memory: write program, tokens and memory, set the registers, pulse start.",
    },
    ({ load, ...host }) => {
      const data = lateStream("memory_beat", beatBits(c));
      const { request, write, ...outputs } = accelerator(c).inst("u_accelerator", {
        ...host,
        data: data.stream,
      });
      const ram = memory(c, beats).inst("u_memory", { request, write, load });
      data.connect(ram.data);
      return outputs;
    },
  );
