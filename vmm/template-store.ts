import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Checksums, TemplateFiles } from "./guest-memory.ts";

/** A template's state is small: what is larger is something else. */
const MAX_STATE_BYTES = 16 * 1024 * 1024;
const MAX_DESCRIPTION_BYTES = 4096;
const NEW = ".new";

/** What is written beside a template: what has to be so for it to be used. */
export interface TemplateDescription {
  readonly memoryMib: number;
  readonly checksums: Checksums;
}

/** A template that a VM is about to be made from: two files, open for reading. */
export interface OpenTemplate extends TemplateDescription, TemplateFiles {
  close(): void;
}

/** Two empty files for a template in the making. */
export interface NewTemplate {
  readonly memory: number;
  /** Open for writing alone. */
  readonly state: number;
  /** The same one, for reading. */
  readonly savedState: number;
  /** Puts it in its place, whole. */
  keep(description: TemplateDescription): void;
  /** Without `keep` nothing is left of it. */
  close(): void;
}

export interface StoreLimits {
  readonly count: number;
  readonly bytes: number;
}

/**
 * The templates of this machine: a directory for each, by its key, with `memory` (the memory of the VM, sparse), `state`
 * (that of QEMU and its devices) and `template.json`. Whoever could write there could run anything in every VM, so what
 * others than this process's user can write is not used.
 */
export class TemplateStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Undefined if there is none. Throws with the reason if there is one that must not be used. */
  open(key: string): OpenTemplate | undefined {
    const directory = join(this.#root, key);
    if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) return undefined;
    // Who can write one of the directories can put another in its place.
    for (const path of [dirname(this.#root), this.#root, directory]) checkOwner(path, lstatSync(path), "directory");
    const fds: number[] = [];
    const close = () => {
      for (const fd of fds.splice(0)) closeSync(fd);
    };
    try {
      const open = (name: string, max: number) => {
        const fd = openFile(join(directory, name), max);
        fds.push(fd);
        return fd;
      };
      const description = readDescription(open("template.json", MAX_DESCRIPTION_BYTES));
      const memory = open("memory", Number.POSITIVE_INFINITY);
      const state = open("state", MAX_STATE_BYTES);
      // The one that was used last is the last to go.
      utimesSync(directory, new Date(), new Date());
      return { ...description, memory, state, close };
    } catch (error) {
      close();
      throw error;
    }
  }

  /** Only one at a time may be in the making. */
  create(key: string): NewTemplate {
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    checkOwner(this.#root, lstatSync(this.#root), "directory");
    const directory = join(this.#root, NEW);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { mode: 0o700 });
    const memory = openSync(join(directory, "memory"), "wx+", 0o600);
    const state = openSync(join(directory, "state"), "wx", 0o600);
    const savedState = openSync(join(directory, "state"), "r");
    return {
      ...{ memory, state, savedState },
      keep: (description) => {
        for (const fd of [memory, state]) fsyncSync(fd);
        writeFileSync(join(directory, "template.json"), JSON.stringify(description), { mode: 0o600, flush: true });
        this.remove(key);
        renameSync(directory, join(this.#root, key));
      },
      close: () => {
        for (const fd of [memory, state, savedState]) closeSync(fd);
        rmSync(directory, { recursive: true, force: true });
      },
    };
  }

  remove(key: string): void {
    rmSync(join(this.#root, key), { recursive: true, force: true });
  }

  /** Removes those that were used the longest time ago, until the others are within the limits. */
  prune(limits: StoreLimits): void {
    const templates = readdirSync(this.#root)
      .filter((name) => name !== NEW && !name.startsWith("."))
      .map((name) => ({
        name,
        used: lstatSync(join(this.#root, name)).mtimeMs,
        bytes: bytesOf(join(this.#root, name)),
      }))
      .sort((one, other) => other.used - one.used);
    let [count, bytes] = [0, 0];
    for (const template of templates) {
      count++;
      bytes += template.bytes;
      if (count > limits.count || bytes > limits.bytes) this.remove(template.name);
    }
  }
}

/** On disk: the memory's holes take no room. */
function bytesOf(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + lstatSync(join(directory, name)).blocks * 512, 0);
}

function openFile(path: string, max: number): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    checkOwner(path, stats, "file");
    if (stats.size > max) throw new Error(`${path} is too large`);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function checkOwner(path: string, stats: Stats, kind: "file" | "directory"): void {
  if (kind === "file" ? !stats.isFile() : !stats.isDirectory()) throw new Error(`${path} is no ${kind}`);
  if (stats.uid !== process.geteuid?.() || (stats.mode & 0o022) !== 0) {
    throw new Error(`${path} can be written by others, so it is not trusted`);
  }
}

function readDescription(fd: number): TemplateDescription {
  const { memoryMib, checksums } = JSON.parse(readFileSync(fd, "utf8")) as Partial<TemplateDescription>;
  const { memory, state } = checksums ?? {};
  if (typeof memoryMib !== "number" || typeof memory !== "string" || typeof state !== "string") {
    throw new Error("template.json lacks something");
  }
  return { memoryMib, checksums: { memory, state } };
}
