/**
 * Runs one of containerd's tests in a process and mount namespace of its own and prints its outcome, JSON.
 * usage: one.ts RUNTIME TEST LOG
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { until } from "../harness/deadline.ts";
import { buildDir, containerdDir, microvm, shimBinary } from "../harness/paths.ts";
import { takeStock } from "../harness/remains.ts";
import { type Outcome, readResults } from "./outcome.ts";
import { limitOf } from "./tests.ts";

/** Where the tests and containerd keep what they have. */
const OWN_DIRECTORIES = ["/run", "/var/lib", "/opt"];

async function runTest(runtime: string, test: string, path: string): Promise<Outcome> {
  for (const directory of OWN_DIRECTORIES) {
    execFileSync("mount", ["-t", "tmpfs", "-o", "mode=0755", "tmpfs", directory]);
  }
  const before = takeStock();
  mkdirSync(dirname(path), { recursive: true });
  const log = openSync(path, "w");
  // The tests leave files there.
  const temporary = mkdtempSync(join(tmpdir(), "t-"));
  // One of them copies the shim to it and expects that it works there.
  const parts = readdirSync(buildDir, { withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { name } of parts)
    if (name !== basename(shimBinary)) symlinkSync(join(buildDir, name), join(temporary, name));
  const program = `${process.env.MICROVM_CLIENT_TESTS}/client.test`;
  const limit = `${limitOf(test)}s`;
  const args = ["-test.run", `^${test}$`, "-test.v", "-test.timeout", limit, "-test.root", "-no-criu"];
  const search = [buildDir, containerdDir("2.4"), "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(":");
  // containerd's word for which tests may call the program runc by themselves.
  const flavor = runtime === microvm ? "microvm" : "runc";
  const env = {
    RUNC_FLAVOR: flavor,
    PATH: search,
    HOME: "/root",
    TMPDIR: temporary,
    SSL_CERT_FILE: process.env.SSL_CERT_FILE,
  };
  const child = spawn(program, args, { stdio: ["ignore", log, log], env: { ...env, TEST_RUNTIME: runtime } });
  const [status] = await once(child, "exit");
  closeSync(log);
  rmSync(temporary, { recursive: true });
  const results = readResults(readFileSync(path, "utf8"));
  return { status, results, remains: await remains(before) };
}

/** Cgroups are the whole machine's: only those of the tests' namespace count, and not the namespace's own. */
async function remains(before: Set<string>): Promise<string> {
  const counts = (line: string) => !before.has(line) && (!line.startsWith("cgroup ") || line.includes("/testing/"));
  const fresh = () => [...takeStock()].filter(counts);
  const gone = until(
    5_000,
    () => fresh().join("\n"),
    () => (fresh().length === 0 ? true : undefined),
  );
  return gone.then(
    () => "",
    ({ message }) => message,
  );
}

const [, , runtime = "", test = "", log = ""] = process.argv;
process.stdout.write(JSON.stringify(await runTest(runtime, test, log)));
