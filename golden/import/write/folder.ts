/** Puts files into a temporary folder: for tests. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export class TemporaryFolder {
  readonly path = mkdtempSync(join(tmpdir(), "gateloom-import-"));
  private count = 0;

  /** A new folder inside, with these files. */
  folder(files: ReadonlyMap<string, Uint8Array | string>): string {
    const folder = join(this.path, `m${this.count++}`);
    mkdirSync(folder);
    for (const [name, content] of files) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    return folder;
  }

  /** A file inside. */
  file(name: string, content: Uint8Array | string): string {
    return join(this.folder(new Map([[name, content]])), name);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
