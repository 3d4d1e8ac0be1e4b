/** Which tools run in which order for a kind of board, as build.sh, build.bat and Makefile. */
import { buildBat, buildSh, makefile, type ScriptStep } from "../../rtl-templates/scripts/scripts.js";
import type { Board } from "../boards/index.js";
import type { ProjectFiles } from "./input.js";

/** One way from the project to a product. */
interface Build {
  /** build.sh and make; the other is build-<name>.sh and make <name>. */
  readonly name: "" | "vivado";
  readonly steps: readonly ScriptStep[];
  readonly product: string;
}

const IP = "build/ip/component.xml";

const vivado = (what: string, script: string, product: string, needs: readonly string[] = []): ScriptStep => {
  const command = `vivado -mode batch -nojournal -log build-${script}.log -source scripts/${script}.tcl`;
  return { what, command, windows: command, product, needs };
};

const buildsOf = (board: Board, name: string): readonly [Build, ...Build[]] => {
  const { flow } = board;
  switch (flow.kind) {
    case "fabric": {
      const product = `build/${name}.bit`;
      return [
        { name: "", steps: [vivado("synthesis, implementation, bitstream", "project", product)], product },
      ];
    }
    case "zynq7":
    case "zynqmp": {
      const product = `build/${name}.bit`;
      const steps = [
        vivado("IP-XACT package", "package", IP),
        vivado("block design, implementation, bitstream", "zynq", product, [IP]),
      ];
      return [{ name: "", steps, product }];
    }
    case "alveo": {
      const product = `build/${name}.xclbin`;
      const xo = `build/${name}.xo`;
      const bit = `build/${name}.bit`;
      const link = `v++ -t hw --platform ${flow.platform} --link ${xo} --config link.cfg --temp_dir build/link --log_dir build/logs --report_dir build/reports -o ${product}`;
      const kernel = vivado("IP-XACT package and Vitis kernel", "package", xo);
      return [
        {
          name: "",
          steps: [kernel, { what: "link", command: link, windows: link, product, needs: [xo] }],
          product,
        },
        {
          name: "vivado",
          steps: [kernel, vivado("block design, implementation, bitstream", "project", bit, [xo])],
          product: bit,
        },
      ];
    }
    case "versal": {
      const pdi = `build/${name}.pdi`;
      const ip = vivado("IP-XACT package, the input of a SLASH link", "package", IP);
      return [
        { name: "", steps: [ip], product: IP },
        {
          name: "vivado",
          steps: [
            ip,
            vivado("core in AMD's base design, implementation, device image", "project", pdi, [IP]),
          ],
          product: pdi,
        },
      ];
    }
    case "open":
      throw new RangeError(`${board.name} is built by gateloom build`);
  }
};

/** Steps of all builds, each once: what make knows. */
const allSteps = (builds: readonly Build[]): ScriptStep[] => [
  ...new Map(builds.flatMap(({ steps }) => steps).map((step) => [step.product, step])).values(),
];

export const buildFiles = (board: Board, name: string, title: string): ProjectFiles => {
  const builds = buildsOf(board, name);
  const [{ product }, ...others] = builds;
  return new Map([
    ...builds.flatMap((build): [string, string][] => {
      const scripts = {
        title,
        ...build,
        tools: [...new Set(build.steps.map(({ command }) => command.split(" ")[0]!))],
        products: build.steps.map((s) => s.product),
      };
      const file = build.name === "" ? "build" : `build-${build.name}`;
      return [
        [`${file}.sh`, buildSh(scripts)],
        [`${file}.bat`, buildBat(scripts)],
      ];
    }),
    ["Makefile", makefile({ title, product, others, steps: allSteps(builds) })],
  ]);
};

/** What build.sh makes at last, then the other builds. */
export const productsOf = (board: Board, name: string): readonly [string, ...string[]] => {
  const [first, ...others] = buildsOf(board, name);
  return [first.product, ...others.map(({ product }) => product)];
};
