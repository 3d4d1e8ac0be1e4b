import assert from "node:assert/strict";
import { type Page, renderPage } from "./page.js";

const page: Page = {
  title: "Engines <3>",
  subtitle: "a & b",
  panels: [
    {
      title: "LUT",
      bars: [
        { name: "naive", value: 40, shown: "40", peer: true },
        { name: "tree", value: 10, shown: "10", peer: false },
      ],
    },
  ],
  tables: [
    { title: "Cost", head: ["engine", "LUT"], texts: 1, rows: [{ peer: true, cells: ["naive", "40"] }] },
  ],
  entries: [{ name: "tree", title: "adds", lines: ["TerEffic, arXiv 2502.16473, fig. 3"] }],
  method: ["Yosys"],
};

describe("the page of the engine table", () => {
  const html = renderPage(page);
  it("is one file without scripts, its text escaped", () => {
    assert.match(html, /<h1>Engines &lt;3&gt;<\/h1>/);
    assert.match(html, /a &amp; b/);
    assert.doesNotMatch(html, /<script|src=|<link/);
  });
  it("links papers", () =>
    assert.match(
      html,
      /TerEffic, <a href="https:\/\/arxiv\.org\/abs\/2502\.16473">arXiv 2502\.16473<\/a>, fig\. 3/,
    ));
  it("draws bars to scale", () => {
    const widths = [...html.matchAll(/<rect [^>]*width="(\d+)"/g)].map((m) => Number(m[1]));
    assert.deepEqual(widths, [260, 65]);
  });
  it("marks the peer's row, and sets text to the left", () =>
    assert.match(html, /<tr class="peer"><td class="text">naive<\/td><td>40<\/td><\/tr>/));
});
