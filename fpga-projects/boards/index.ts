/** All boards, by the name that `--board` takes. */
import { u280, u55c, v80 } from "./alveo.js";
import type { Board } from "./board.js";
import { artyA7, icebreaker, ulx3s } from "./fabric.js";
import { kv260, pynqZ2, zcu102, zcu104 } from "./zynq.js";

export type { Board } from "./board.js";

export const BOARDS: readonly Board[] = [
  u280,
  u55c,
  v80,
  kv260,
  zcu104,
  zcu102,
  pynqZ2,
  artyA7,
  icebreaker,
  ulx3s,
];

export const boardNames = (): string[] => BOARDS.map(({ name }) => name);
export const boardOf = (name: string): Board | undefined => BOARDS.find((board) => board.name === name);

/** Letters and digits alone: what people vary is the rest. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

/** Letters to add, take away or replace until one text is the other (Levenshtein). */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(row[j]! + (letter === b[j] ? 0 : 1), row[j + 1]! + 1, next[j]! + 1));
    row = next;
  }
  return row.at(-1)!;
};

/** Whom somebody may have meant: name or title begins or ends alike, else a few letters are wrong. Undefined: nobody is near. */
export const nearestBoard = (name: string): Board | undefined => {
  const said = plain(name);
  if (said === "") return undefined;
  const far = ({ name: own, title }: Board): number => {
    const [short, long] = [plain(own), plain(title)];
    if (said.includes(short) || short.includes(said) || long.includes(said)) return 0;
    return distance(said, short);
  };
  const [nearest] = BOARDS.map((board) => ({ board, letters: far(board) })).sort(
    (a, b) => a.letters - b.letters,
  );
  return nearest!.letters <= Math.max(1, Math.floor(said.length / 2)) ? nearest!.board : undefined;
};
