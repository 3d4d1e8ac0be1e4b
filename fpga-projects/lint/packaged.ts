/** What scripts/package.tcl makes of the core, taken from the commands that it calls. */
import { type Command, goodPlays } from "./play.js";
import type { Project } from "./project.js";

export interface PackagedRegister {
  readonly name: string;
  readonly line: number;
  readonly offset: number;
  /** Bits. */
  readonly size: number;
  readonly access: string;
  readonly description: string;
  /** AXI master that a pointer is for. */
  readonly port: string | undefined;
}
export interface Package {
  readonly commands: readonly Command[];
  readonly registers: readonly PackagedRegister[];
  /** Bytes. */
  readonly range: number;
  readonly width: number;
}

export const SCRIPT = "scripts/package.tcl";

/** Word behind an option. */
export const optionOf = ({ words }: Command, option: string): string | undefined =>
  words.includes(option) ? words[words.indexOf(option) + 1] : undefined;

/** Values of `set_property <property> <value> <object>` by property, of one object. */
const properties = (commands: readonly Command[], object: string): Map<string, string> =>
  new Map(
    commands
      .filter(({ name, words }) => name === "set_property" && words.length === 3 && words[2] === object)
      .map(({ words }) => [words[0]!, words[1]!]),
  );
export const propertyOf = (
  commands: readonly Command[],
  object: string,
  property: string,
): string | undefined => properties(commands, object).get(property);

const plain = (words: readonly string[]): string[] => words.filter((w) => !w.startsWith("-"));

/** Undefined where nothing packages the core; null without tclsh. */
export const packageOf = async (project: Project): Promise<Package | null | undefined> => {
  if (!project.files.has(SCRIPT)) return undefined;
  const plays = await goodPlays(project);
  if (plays === null) return null;
  const { commands } = plays.find(({ script }) => script === SCRIPT)!;
  const block = commands.find(({ name }) => name === "ipx::add_address_block");
  const [blockName, map] = block === undefined ? ["", ""] : plain(block.words);
  const ofBlock = properties(commands, `${map}/${blockName}`);
  const registers = commands
    .filter(({ name }) => name === "ipx::add_register")
    .map(({ words, line }): PackagedRegister => {
      const [name, under] = plain(words);
      const object = `${under}/${name}`;
      const of = properties(commands, object);
      return {
        name: name!,
        line,
        offset: Number(of.get("address_offset") ?? Number.NaN),
        size: Number(of.get("size") ?? Number.NaN),
        access: of.get("access") ?? "",
        description: of.get("description") ?? "",
        port: properties(commands, `${object}/ASSOCIATED_BUSIF`).get("value"),
      };
    });
  return {
    commands,
    registers,
    range: Number(ofBlock.get("range") ?? Number.NaN),
    width: Number(ofBlock.get("width") ?? Number.NaN),
  };
};
