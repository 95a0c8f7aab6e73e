/** What host and container see of each other's changes to volumes while the container runs. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Lab } from "../harness/lab.ts";
import { bindFlags, buildProbe, PROBE, type SharedTree, sharedTree } from "./host.ts";
import { Shell } from "./shell.ts";

export interface Transcript {
  /** What happened, and what was seen then. */
  readonly compared: readonly (readonly [string, string])[];
  /** Whether a lock that the host holds can be had in the container. */
  readonly lock: string;
  /** Files that inotify told of, of those that the host and the container made. */
  readonly watched: string;
}

/** Runs the same course of events under one runtime. `directory` is made and removed. */
export async function transcript(lab: Lab, directory: string, runtime: string): Promise<Transcript> {
  await using tree = sharedTree(directory);
  const at = (name: string) => join(directory, name);
  for (const name of ["a", "a/private", "config/v1", "config/v2", "closed"]) mkdirSync(at(name), { recursive: true });
  for (const [name, text] of [
    ["a/f", "one\n"],
    ["file", "old\n"],
    ["config/v1/k", "1\n"],
    ["config/v2/k", "2\n"],
  ] as const)
    writeFileSync(at(name), text);
  symlinkSync("v1", at("config/..data"));
  symlinkSync("..data/k", at("config/k"));
  await using shell = new Shell(lab, runtime, [
    ...bindFlags(at("a"), "/a", "rbind:rslave"),
    ...bindFlags(at("a"), "/closed", "rbind:rprivate"),
    ...bindFlags(at("file"), "/file", "bind"),
    ...bindFlags(at("config"), "/config", "rbind:ro"),
    ...bindFlags(buildProbe(join(lab.containerd.directory, "bin")), PROBE, "ro"),
  ]);
  const compared: [string, string][] = [];
  const see = async (what: string, script: string) => compared.push([what, await shell.ask(script)]);
  await hostChanges(at, see);
  await containerChanges(at, see, compared);
  await mounts(tree, see);
  return { compared, lock: await lock(at("a/lock"), shell), watched: await watch(at, shell) };
}

type At = (name: string) => string;
type See = (what: string, script: string) => Promise<unknown>;

async function hostChanges(at: At, see: See): Promise<void> {
  await see("at first", "cat /a/f; ls /a /a/private; cat /file /config/k");
  writeFileSync(at("a/f"), "changed\n");
  await see("the host writes", "cat /a/f");
  await see("an open file", "read line < /a/f; echo $line");
  appendFileSync(at("a/f"), "appended\n");
  await see("the host appends", "cat /a/f; stat -c %s /a/f");
  writeFileSync(at("a/next"), "renamed\n");
  renameSync(at("a/next"), at("a/f"));
  chmodSync(at("a/f"), 0o4711);
  chownSync(at("a/f"), 5, 6);
  await see("the host renames over it", "cat /a/f; stat -c '%a %u:%g %h' /a/f");
  rmSync(at("a/f"));
  mkdirSync(at("a/made"));
  await see("the host removes and makes", "cat /a/f; ls /a");
  symlinkSync("v2", at("config/..next"));
  renameSync(at("config/..next"), at("config/..data"));
  await see("a ConfigMap's update", "cat /config/k");
  writeFileSync(at("file2"), "new\n");
  renameSync(at("file2"), at("file"));
  await see("a mounted file is replaced", "cat /file");
  rmSync(at("file"));
  await see("and removed", "cat /file; echo more >> /file; cat /file; stat -c %h /file");
}

async function containerChanges(at: At, see: See, compared: [string, string][]): Promise<void> {
  await see("the container writes", "echo container > /a/c; chown 7:8 /a/c; chmod 2750 /a/c; mv /a/made /a/moved");
  const seen = execFileSync("sh", ["-c", "cat c; stat -c '%a %u:%g' c; ls"], { cwd: at("a"), encoding: "utf8" });
  compared.push(["what the host sees", seen]);
  await see("and appends", "echo again >> /a/c");
  compared.push(["what the host reads", readFileSync(at("a/c"), "utf8")]);
}

/** File systems that the host mounts below a volume. */
async function mounts(tree: SharedTree, see: See): Promise<void> {
  tree.mount("a/private");
  mkdirSync(join(tree.path, "a/private/in"));
  await see("the host mounts below volumes", "ls /a/private; echo; ls /closed/private; echo x > /a/private/in/x");
  tree.unmount("a/private");
  await see("and unmounts", "ls /a/private");
}

async function lock(path: string, shell: Shell): Promise<string> {
  writeFileSync(path, "");
  const holder = spawn("flock", [path, "sh", "-c", "echo locked; read line"], { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  const answer = await shell.ask(`${PROBE}/probe --lock /a/lock`);
  holder.stdin.end();
  await once(holder, "exit");
  return answer;
}

async function watch(at: At, shell: Shell): Promise<string> {
  await shell.ask(`${PROBE}/probe --watch /a > /tmp/watched & while ! grep -q watching /tmp/watched; do :; done`);
  writeFileSync(at("a/by-host"), "");
  return shell.ask("touch /a/by-container /a/end; while ! grep -q end /tmp/watched; do :; done; cat /tmp/watched");
}
