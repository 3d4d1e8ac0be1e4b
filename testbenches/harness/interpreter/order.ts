/** The orders that the accelerator's results come in. */

/** Tokens of the batch that starts at `position`: several only inside the prompt, and only before the ring comes round. */
export const batchTokens = (
  position: number,
  promptLength: number,
  tokens: number,
  slots: number,
): number => {
  const wanted = Math.min(tokens, promptLength - position);
  return wanted < 1 || position + wanted > slots ? 1 : wanted;
};

/** Results of one matrix: row block by row block, in it token by token, in it row by row. */
export const inResultOrder = (
  rows: number,
  blockRows: number,
  toks: number,
  visit: (tok: number, row: number) => void,
): void => {
  for (let from = 0; from < rows; from += blockRows)
    for (let tok = 0; tok < toks; tok++)
      for (let row = from; row < Math.min(from + blockRows, rows); row++) visit(tok, row);
};
