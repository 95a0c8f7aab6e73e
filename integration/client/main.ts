/** Runs containerd's tests of its client one by one, with runc and with this runtime, and tells what is different. */
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, run } from "../harness/command.ts";
import { buildDir, microvm, runc } from "../harness/paths.ts";
import { makeImages } from "./images.ts";
import type { Outcome } from "./outcome.ts";
import { serve } from "./registry.ts";
import { concernsRuntime, DIFFERENCES, limitOf } from "./tests.ts";

const APART = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"] as const;
/** For containerd's start and end, and the images, beside the test itself; in seconds. */
const AROUND_S = 50;

const logs = join(buildDir, "client-tests");

/** Lines that tell where the outcomes differ and should not; empty if all is as expected. */
function judge(test: string, theirs: Outcome, ours: Outcome): string[] {
  if (!(test in theirs.results)) return [`${test} has no result with runc: there is nothing to compare`];
  const names = Object.keys(theirs.results).filter((name) => theirs.results[name] === "PASS");
  const differing = names.filter((name) => ours.results[name] !== "PASS");
  const lines = differing.filter((name) => !(name in DIFFERENCES)).map((name) => `${name} passes with runc only`);
  if (test in DIFFERENCES && differing.length === 0) lines.push(`${test} passes; tests.ts says that it cannot`);
  if (ours.remains !== "" && !(test in DIFFERENCES)) lines.push(`${test} leaves something: ${ours.remains}`);
  return lines;
}

async function outcomeOf(runtime: string, test: string): Promise<Outcome> {
  const log = join(logs, runtime, `${test}.log`);
  const one = join(import.meta.dirname, "one.ts");
  const { stdout, stderr, code } = await run([...APART, process.execPath, one, runtime, test, log], {
    limit: (limitOf(test) + AROUND_S) * 1000,
  });
  if (code !== 0) throw new Error(`${test} with ${runtime}: ${stderr}`);
  return JSON.parse(stdout.toString());
}

async function compare(test: string): Promise<string[]> {
  const theirs = await outcomeOf(runc, test);
  const ours = await outcomeOf(microvm, test);
  const columns = [theirs, ours].map(({ results }) => (results[test] ?? "none").padEnd(6));
  const why = theirs.results[test] === "PASS" ? (DIFFERENCES[test] ?? "") : "not on this machine, whatever the runtime";
  process.stdout.write(`${columns.join("")}${test}${why && `  (${why})`}\n`);
  return judge(test, theirs, ours);
}

async function allTests(): Promise<string[]> {
  const program = `${process.env.MICROVM_CLIENT_TESTS}/client.test`;
  const { stdout } = await must([program, "-test.short", "-test.list", "^Test"]);
  return stdout.toString().split("\n").filter(Boolean).filter(concernsRuntime);
}

async function main(asked: string[]): Promise<void> {
  const work = join(tmpdir(), "registry");
  mkdirSync(work);
  await using registry = await serve(work, makeImages(work));
  process.env.SSL_CERT_FILE = registry.certificate;
  process.stdout.write(`runc  ours  test (the logs are in ${logs})\n`);
  const wrong: string[] = [];
  for (const test of asked.length > 0 ? asked : await allTests()) wrong.push(...(await compare(test)));
  process.stdout.write(wrong.length === 0 ? "all as expected\n" : `\n${wrong.join("\n")}\n`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
  rmSync(work, { recursive: true });
}

await main(process.argv.slice(2));
