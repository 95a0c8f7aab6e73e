import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Builds one of the small C programs for its tests, as `name` in a temporary directory that the caller removes. `source`:
 * path of a C file, or of a directory of them.
 */
export function buildHelper(source: string, name: string): { directory: string; program: string } {
  const directory = mkdtempSync(join(tmpdir(), "helper-"));
  const program = join(directory, name);
  execFileSync(join(import.meta.dirname, "../helper.sh"), [source, program]);
  return { directory, program };
}
