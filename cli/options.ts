import { InvalidArgumentError } from "commander";

/** A whole number in a range, as an option's value. */
export const wholeNumber =
  (from: number, to: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < from || value > to)
      throw new InvalidArgumentError(`a whole number from ${from} to ${to} is needed.`);
    return value;
  };

/** One of these names, in whatever case. */
export const oneOf =
  <T extends string>(...names: readonly T[]) =>
  (text: string): T => {
    const name = names.find((one) => one.toLowerCase() === text.toLowerCase());
    if (name === undefined)
      throw new InvalidArgumentError(`one of ${names.join(", ").toLowerCase()} is needed.`);
    return name;
  };

/** A number of bytes: 120000000, 120MB, 0.12GB. */
export const byteCount = (text: string): number => {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(k|M|G)?B?$/.exec(text) ?? [];
  const scale = new Map([
    ["k", 1e3],
    ["M", 1e6],
    ["G", 1e9],
  ]).get(unit ?? "");
  const bytes = Math.floor(Number(number) * (scale ?? 1));
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new InvalidArgumentError("a number of bytes is needed, like 90000000, 90MB or 0.09GB.");
  return bytes;
};
