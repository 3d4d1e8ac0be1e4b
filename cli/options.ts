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
