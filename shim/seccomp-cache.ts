import { constants, promises as files, lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "../vmm/digest.ts";

/** Every image's default profile is the same; only profiles of people's own add to it. */
const MAX_FILES = 64;

/**
 * Compiled filters on disk, by their key. The directory is root's alone, for whoever could write there could take the
 * filter off any container. All of it may be removed at any time.
 */
export class SeccompCache {
  readonly #directory: string;

  /** Makes the directory. Throws an Error if it is not ours alone. */
  constructor(directory: string) {
    mkdirSync(join(directory, ".."), { recursive: true, mode: 0o755 });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(directory);
    const isDirectory = (mode & constants.S_IFMT) === constants.S_IFDIR;
    if (!isDirectory || uid !== process.geteuid?.() || (mode & 0o077) !== 0)
      throw new Error(`${directory} is not a directory of ours alone`);
    this.#directory = directory;
  }

  /** Undefined if it is not there, or larger than `limit` bytes. */
  async read(key: string, limit: number): Promise<Buffer | undefined> {
    const path = join(this.#directory, key);
    try {
      await using file = await files.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      const { size } = await file.stat();
      if (size > limit) return undefined;
      const bytes = await file.readFile();
      // The oldest goes first.
      await files.utimes(path, new Date(), new Date());
      return bytes;
    } catch {
      return undefined;
    }
  }

  /** Appears whole or not at all. */
  async write(key: string, bytes: Uint8Array): Promise<void> {
    const fresh = join(this.#directory, `.${key}.${randomBytes(6).toString("hex")}`);
    try {
      await files.writeFile(fresh, bytes, { mode: 0o600, flag: "wx" });
      await files.rename(fresh, join(this.#directory, key));
    } catch (error) {
      await files.rm(fresh, { force: true });
      throw error;
    }
    await this.#trim();
  }

  async #trim(): Promise<void> {
    const names = await files.readdir(this.#directory);
    if (names.length <= MAX_FILES) return;
    const ages = await Promise.all(
      names.map(async (name) => ({
        name,
        at: await files.stat(join(this.#directory, name)).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        ),
      })),
    );
    const old = ages.sort((a, b) => a.at - b.at).slice(0, names.length - MAX_FILES);
    await Promise.all(old.map(({ name }) => files.rm(join(this.#directory, name), { force: true })));
  }
}
