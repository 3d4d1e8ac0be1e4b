/** Comments back to the TypeScript: `quantiser.ts:96`, with whole paths in the head of the file. */
import type * as ir from "../ir.js";

export class Places {
  /** Short name to path. */
  private readonly files = new Map<string, string>();

  constructor(private readonly enabled: boolean) {}

  private short(file: string): string {
    const parts = file.split("/");
    for (let n = 1; ; n++) {
      const name = parts.slice(-n).join("/");
      const known = this.files.get(name);
      if (known === file) return name;
      if (known === undefined || n >= parts.length) {
        this.files.set(name, file);
        return name;
      }
    }
  }
  /** A comment to stand behind a line, or nothing. */
  of(n: { readonly loc?: ir.Loc }): string {
    return this.enabled && n.loc !== undefined ? ` // ${this.short(n.loc.file)}:${n.loc.line}` : "";
  }
  /** Lines of the head: which files the short names mean. */
  legend(): string[] {
    return [...this.files]
      .filter(([name, file]) => name !== file)
      .map(([name, file]) => `// ${name}: ${file}`)
      .sort();
  }
}
