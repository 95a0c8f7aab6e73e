import { execFile } from "node:child_process";
import { promises as files } from "node:fs";
import { monotonicMs } from "../proto/monotonic.ts";
import { confinedArgv } from "../vmm/child.ts";
import { contentDigest } from "../vmm/digest.ts";
import type { Spec } from "./bundle.ts";
import type { Log } from "./log.ts";
import { SeccompCache } from "./seccomp-cache.ts";

/** A filter has at most BPF_MAXINSNS instructions of 8 bytes. */
const INSTRUCTION_BYTES = 8;
const MAX_FILTER_BYTES = 4096 * INSTRUCTION_BYTES;
const LIMIT_MS = 5_000;
/** libcrun loads this filter, and does not look at linux.seccomp then. */
const ANNOTATION = "run.oci.seccomp_bpf_data";

export const SECCOMP_CACHE = "/var/cache/microvm/seccomp";

/** Compiles seccomp profiles on the host, where it takes a few milliseconds: an emulated guest takes a hundred. */
export class SeccompCompiler {
  readonly #tool: string | undefined;
  readonly #uid: number;
  readonly #directory: string;
  readonly #log: Log;

  /** `tool`: microvm-seccomp, undefined if there is none. It runs as `uid`, which owns nothing. */
  constructor(tool: string | undefined, uid: number, log: Log, directory = SECCOMP_CACHE) {
    this.#tool = tool;
    this.#uid = uid;
    this.#log = log;
    this.#directory = directory;
  }

  /** The filter of a container in base64; undefined if the guest has to compile it. Never rejects. */
  async compile(spec: Spec, id: string): Promise<string | undefined> {
    const profile = spec.linux?.seccomp;
    if (!isPlain(profile)) return undefined;
    if (this.#tool === undefined) return this.#leave(id, "microvm-seccomp is not installed");
    try {
      const filter = await this.#compile(this.#tool, JSON.stringify(profile), id);
      return filter.toString("base64");
    } catch (error) {
      return this.#leave(id, (error as Error).message);
    }
  }

  #leave(id: string, why: string): undefined {
    this.#log.write("warning", `the guest compiles the seccomp profile: ${why}`, { id });
  }

  async #compile(tool: string, profile: string, id: string): Promise<Buffer> {
    const begun = monotonicMs();
    const cache = this.#openCache(id);
    const key = contentDigest(await files.readFile(tool), profile);
    const known = await cache?.read(key, MAX_FILTER_BYTES);
    const filter = known !== undefined && isFilter(known) ? known : await run(tool, this.#uid, profile);
    if (!isFilter(filter)) throw new Error(`${tool} wrote ${filter.length} bytes, which are no filter`);
    const cached = known === filter ? 1 : 0;
    if (!cached)
      await cache?.write(key, filter).catch((error: Error) => this.#log.write("warning", error.message, { id }));
    this.#log.write("debug", "seccomp compiled", { id, t_seccomp: Math.round(monotonicMs() - begun), cached });
    return filter;
  }

  #openCache(id: string): SeccompCache | undefined {
    try {
      return new SeccompCache(this.#directory);
    } catch (error) {
      this.#log.write("warning", `no seccomp cache: ${(error as Error).message}`, { id });
      return undefined;
    }
  }
}

/** With the filter of `compile`, a guest's config.json needs no profile. */
export function withFilter(spec: Spec, filter: string | undefined): Spec {
  if (filter === undefined) return spec;
  const { seccomp: _seccomp, ...linux } = spec.linux ?? {};
  return { ...spec, annotations: { ...spec.annotations, [ANNOTATION]: filter }, linux };
}

/** Flags and listeners are told to libcrun by the profile itself, which it must have then. */
function isPlain(profile: unknown): profile is object {
  if (typeof profile !== "object" || profile === null) return false;
  const { flags, listenerPath } = profile as { flags?: unknown; listenerPath?: unknown };
  return flags === undefined && !listenerPath;
}

function isFilter(bytes: Buffer): boolean {
  return bytes.length > 0 && bytes.length <= MAX_FILTER_BYTES && bytes.length % INSTRUCTION_BYTES === 0;
}

/** Rejects with what the tool said. */
function run(tool: string, uid: number, profile: string): Promise<Buffer> {
  const [program = "", ...args] = confinedArgv(tool, [], { network: { kind: "host" }, uid });
  const limits = { timeout: LIMIT_MS, killSignal: "SIGKILL", maxBuffer: MAX_FILTER_BYTES, cwd: "/" } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { ...limits, env: { PATH: process.env.PATH }, encoding: "buffer" },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        const said = stderr.toString("utf8").trim().split("\n")[0];
        reject(new Error(said || `microvm-seccomp: ${error.signal ?? error.code}`, { cause: error }));
      },
    );
    // What it does not read it does not need, and its exit says why.
    child.stdin?.on("error", () => {});
    child.stdin?.end(profile);
  });
}
