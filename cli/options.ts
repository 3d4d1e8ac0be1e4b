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
