import assert from "node:assert/strict";
import { type EvalPage, renderEvalPage } from "./evalPage.js";

const page: EvalPage = {
  title: "model <1>",
  subtitle: "a & b",
  panels: [
    {
      title: "Perplexity",
      bars: [
        { name: "float", value: 2, shown: "2.0", peer: true },
        { name: "integer", value: 4, shown: "4.0", peer: false },
      ],
    },
  ],
  steps: {
    title: "",
    head: ["step", "ppl"],
    texts: 1,
    rows: [{ peer: true, cells: ["float", "2.0"] }],
  },
  lines: {
    title: "Errors",
    curves: [
      { name: "+ A8", values: [0, 0.1, 0.2] },
      { name: "integer", values: [0.1, 0.2, 0.4] },
    ],
    shown: (v) => `${Math.round(100 * v)} %`,
  },
  layers: { title: "", head: ["layer", "integer"], texts: 1, rows: [{ peer: false, cells: ["0", "10 %"] }] },
  method: ["scored <so>"],
};

describe("the page of an evaluation", () => {
  const html = renderEvalPage(page);

  it("is one file without scripts, its text escaped", () => {
    assert.match(html, /<h1>model &lt;1&gt;<\/h1>/);
    assert.match(html, /a &amp; b/);
    assert.match(html, /<li>scored &lt;so&gt;<\/li>/);
    assert.match(html, /<style>\n {2}body/);
    assert.doesNotMatch(html, /<script|src=|<link|undefined|NaN/);
  });

  it("draws bars to scale", () => {
    const widths = [...html.matchAll(/<rect [^>]*width="(\d+)"/g)].map((m) => Number(m[1]));
    assert.deepEqual(widths, [130, 260]);
  });

  it("draws curves between round ticks, from 0", () => {
    const points = [...html.matchAll(/points="([^"]*)"/g)].map((m) =>
      m[1]!.split(" ").map((pair) => pair.split(",").map(Number)),
    );
    // 0 to 40 % over 240 from y = 252 up to 12; three layers over 560 from x = 64.
    assert.deepEqual(points, [
      [
        [64, 252],
        [344, 192],
        [624, 132],
      ],
      [
        [64, 192],
        [344, 132],
        [624, 12],
      ],
    ]);
    for (const tick of ["0 %", "10 %", "20 %", "30 %", "40 %"])
      assert.ok(html.includes(`>${tick}</text>`), tick);
  });

  it("draws a model of one layer, and errors of nothing", () => {
    const curves = [{ name: "integer", values: [0] }];
    const small = renderEvalPage({ ...page, lines: { ...page.lines, curves } });
    assert.match(small, /points="344,252"/);
    assert.doesNotMatch(small, /NaN|Infinity/);
  });
});
