/** Which tools run in which order for a kind of board, as build.sh, build.bat and Makefile. */
import {
  buildBat,
  buildSh,
  makefile,
  type Scripts,
  type ScriptStep,
} from "../../rtl-templates/scripts/scripts.js";
import type { Board } from "../boards/index.js";
import type { ProjectFiles } from "./input.js";

const vivado = (
  what: string,
  script: string,
  product: string,
  needs: readonly string[] = [],
): ScriptStep => ({
  what,
  command: `vivado -mode batch -nojournal -log build-${script}.log -source scripts/${script}.tcl`,
  windows: `vivado -mode batch -nojournal -log build-${script}.log -source scripts/${script}.tcl`,
  product,
  needs,
});

const stepsOf = (board: Board, name: string): { readonly steps: ScriptStep[]; readonly product: string } => {
  const { flow } = board;
  switch (flow.kind) {
    case "fabric": {
      const product = `build/${name}.bit`;
      return { steps: [vivado("synthesis, implementation, bitstream", "project", product)], product };
    }
    case "zynq7":
    case "zynqmp": {
      const product = `build/${name}.bit`;
      const ip = "build/ip/component.xml";
      return {
        steps: [
          vivado("IP-XACT package", "package", ip),
          vivado("block design, implementation, bitstream", "zynq", product, [ip]),
        ],
        product,
      };
    }
    case "alveo": {
      const product = `build/${name}.xclbin`;
      const xo = `build/${name}.xo`;
      const link = `v++ -t hw --platform ${flow.platform} --link ${xo} --config link.cfg --temp_dir build/link --log_dir build/logs --report_dir build/reports -o ${product}`;
      return {
        steps: [
          vivado("Vitis kernel", "package", xo),
          { what: "link", command: link, windows: link, product, needs: [xo] },
        ],
        product,
      };
    }
    case "versal": {
      const product = "build/ip/component.xml";
      return { steps: [vivado("IP-XACT package, the input of a SLASH link", "package", product)], product };
    }
    case "open":
      throw new RangeError(`${board.name} is built by gateloom build`);
  }
};

export const buildFiles = (board: Board, name: string, title: string): ProjectFiles => {
  const { steps, product } = stepsOf(board, name);
  const scripts: Scripts = { title, steps, product, products: steps.map((s) => s.product) };
  return new Map([
    ["build.sh", buildSh(scripts)],
    ["build.bat", buildBat(scripts)],
    ["Makefile", makefile(scripts)],
  ]);
};

/** What the build makes at last. */
export const productOf = (board: Board, name: string): string => stepsOf(board, name).product;
