/** Decoder of golden/contract/formats.md, section 6: N columns of M, and N codes for each of V rows, combinational. */
import { allOf, bool, defineModule, fail, lit, uint, vec } from "../../../hdl/index.js";
import { indexBits, patternProblem, type SharedPattern, sharedFormat } from "../shared.js";
import { errorUnless, fourLevels, value, wordIn } from "./legal.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export const sharedDecoder = (pattern: SharedPattern) => {
  const problem = patternProblem(pattern);
  if (problem !== null) fail(problem);
  const { n, m, v } = pattern;
  const b = indexBits(m);
  return defineModule(
    `shared_decoder_${n}_${m}_x${v}`,
    {
      in: wordIn(sharedFormat(pattern).bits),
      out: { value: vec(vec(value, n), v), index: vec(uint(b), n), error: bool },
      doc: `${n} of ${m} columns, the same ones in ${v} row(s).`,
    },
    ({ word, valid }) => {
      const index = range(n).map((k) => word.slice(b * k + b - 1, b * k).as(`column_${k}`));
      const field = (row: number, k: number) => n * b + 2 * (row * n + k);
      const ascending = range(n - 1).map((k) => index[k]!.lt(index[k + 1]!));
      return {
        value: range(v).map((row) =>
          range(n).map((k) => fourLevels(word.slice(field(row, k) + 1, field(row, k)))),
        ),
        index,
        error: n === 1 ? lit(bool, 0) : errorUnless(allOf(ascending), valid, "the indices of a block ascend"),
      };
    },
  );
};
