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
