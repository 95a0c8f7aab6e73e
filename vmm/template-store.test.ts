import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TemplateStore } from "./template-store.ts";

const DESCRIPTION = { memoryMib: 64, checksums: { memory: "abc", state: "def" } };
let root: string;
let store: TemplateStore;

beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), "templates-")), "templates");
  store = new TemplateStore(root);
});

afterEach(() => rmSync(join(root, ".."), { recursive: true }));

function make(key: string): string {
  const files = store.create(key);
  writeSync(files.memory, "memory");
  writeSync(files.state, `state of ${key}`);
  files.keep(DESCRIPTION);
  files.close();
  return join(root, key);
}

test("what was kept is opened, at its beginning", () => {
  make("k1");
  const template = store.open("k1");
  expect(template).toMatchObject(DESCRIPTION);
  expect(readFileSync(template?.state ?? -1, "utf8")).toBe("state of k1");
  template?.close();
});

test("one that is not there, or not kept, is none", () => {
  store.create("k1").close();
  expect(store.open("k1")).toBeUndefined();
  expect(readdirSync(root)).toEqual([]);
});

test("one takes the place of another", () => {
  make("k1");
  const files = store.create("k1");
  writeSync(files.state, "newer");
  files.keep(DESCRIPTION);
  files.close();
  const template = store.open("k1");
  expect(readFileSync(template?.state ?? -1, "utf8")).toBe("newer");
  template?.close();
});

test("links, and what others could have written, are not followed", () => {
  const directory = make("k1");
  symlinkSync(directory, join(root, "k2"));
  expect(() => store.open("k2")).toThrow("is no directory");
  chmodSync(join(directory, "state"), 0o620);
  expect(() => store.open("k1")).toThrow("can be written by others");
  chmodSync(join(directory, "state"), 0o600);
  rmSync(join(directory, "memory"));
  symlinkSync("/dev/zero", join(directory, "memory"));
  expect(() => store.open("k1")).toThrow("ELOOP");
});

test("those that were used last stay within the limits", () => {
  for (const [at, key] of ["k1", "k2", "k3"].entries()) utimesSync(make(key), new Date(), new Date(1000 * at));
  store.open("k1")?.close();
  store.prune({ count: 2, bytes: 1 << 30 });
  expect(readdirSync(root).sort()).toEqual(["k1", "k3"]);
  store.prune({ count: 2, bytes: 1 });
  expect(existsSync(join(root, "k1"))).toBe(false);
});
