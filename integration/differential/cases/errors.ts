/** What cannot be: one line for the client that names the thing, and nothing else. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Single } from "../case.ts";
import { oneErrorLine } from "../normalise.ts";
import type { Spec } from "../spec.ts";

interface Refused {
  readonly name: string;
  readonly args?: readonly string[];
  readonly prepare?: (rootfs: string) => void;
  readonly spec?: (spec: Spec, rootfs: string) => void;
  /** What the line has to name, whoever says it. */
  readonly names: RegExp;
}

const file = (path: string, text: string, mode: number) => (rootfs: string) =>
  writeFileSync(join(rootfs, path), text, { mode });

const REFUSED: readonly Refused[] = [
  { name: "a program that is not on the path", args: ["nosuchprogram"], names: /nosuchprogram/ },
  { name: "a program that is not at its path", args: ["/bin/nosuchprogram"], names: /\/bin\/nosuchprogram/ },
  { name: "a program at a relative path that is missing", args: ["./none"], names: /\.\/none/ },
  { name: "a directory as the program", args: ["/etc"], names: /\/etc/ },
  { name: "a file that is not executable", args: ["/etc/passwd"], names: /\/etc\/passwd/ },
  {
    name: "a link to nothing",
    args: ["/bin/dead"],
    prepare: (r) => symlinkSync("/none", join(r, "bin/dead")),
    names: /\/bin\/dead/,
  },
  {
    name: "an interpreter that is missing",
    args: ["/bin/s"],
    prepare: file("bin/s", "#!/no/such\n", 0o755),
    names: /no such file/i,
  },
  {
    name: "an empty file as the program",
    args: ["/bin/e"],
    prepare: file("bin/e", "", 0o755),
    names: /exec format error/i,
  },
  {
    name: "text that is no script",
    args: ["/bin/t"],
    prepare: file("bin/t", "echo x\n", 0o755),
    names: /exec format error/i,
  },
  {
    name: "a file as the working directory",
    spec: ({ process }) => {
      process.cwd = "/etc/passwd";
    },
    names: /not a directory/i,
  },
  {
    name: "a root file system that is missing",
    spec: ({ root }) => {
      root.path = "/nonexistent";
    },
    names: /\/nonexistent/,
  },
  {
    name: "a bind mount of nothing",
    spec: ({ mounts }) =>
      void mounts.push({ destination: "/x", type: "bind", source: "/nonexistent", options: ["rbind"] }),
    names: /\/nonexistent/,
  },
  {
    name: "a file system type that is none",
    spec: ({ mounts }) => void mounts.push({ destination: "/x", type: "nosuchfs", source: "none", options: [] }),
    names: /no such device|nosuchfs/i,
  },
  {
    name: "an option of tmpfs that is none",
    spec: ({ mounts }) =>
      void mounts.push({ destination: "/x", type: "tmpfs", source: "tmpfs", options: ["nosuchoption=1"] }),
    names: /invalid argument/i,
  },
  {
    name: "a sysctl that is none",
    spec: ({ linux }) => {
      linux.sysctl = { "net.nonsense": "1" };
    },
    names: /nonsense/,
  },
  {
    name: "a sysctl of the whole kernel",
    spec: ({ linux }) => {
      linux.sysctl = { "kernel.panic": "1" };
    },
    names: /kernel.panic/,
  },
  {
    name: "a limit that is none",
    spec: ({ process }) => void process.rlimits.push({ type: "RLIMIT_NONE", soft: 1, hard: 1 }),
    names: /RLIMIT_NONE/,
  },
  {
    name: "a soft limit above the hard one",
    spec: ({ process }) => {
      process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 200, hard: 100 }];
    },
    names: /rlimit|invalid argument/i,
  },
  {
    name: "an oom score out of range",
    spec: ({ process }) => {
      process.oomScoreAdj = 2000;
    },
    names: /invalid argument|oom|EOF/i,
  },
  {
    name: "a namespace that is none",
    spec: ({ linux }) => void linux.namespaces.push({ type: "nonsense" }),
    names: /nonsense|namespace/,
  },
  {
    name: "a host name that is too long",
    spec: (spec) => {
      spec.hostname = "x".repeat(65);
    },
    names: /hostname|invalid argument/i,
  },
  {
    name: "a prestart hook that fails",
    spec: (spec) => {
      spec.hooks = { prestart: [{ path: "/bin/false" }] };
    },
    names: /hook|prestart|exit status 1/,
  },
  {
    name: "a createRuntime hook that is missing",
    spec: (spec) => {
      spec.hooks = { createRuntime: [{ path: "/nonexistent" }] };
    },
    names: /\/nonexistent/,
  },
  {
    name: "no busybox at all",
    args: ["/bin/sh"],
    prepare: (rootfs) => rmSync(join(rootfs, "bin/busybox")),
    names: /\/bin\/sh/,
  },
  { name: "a program below a file", args: ["/etc/passwd/x"], names: /\/etc\/passwd\/x|not a directory/i },
  {
    name: "a directory without leave to search",
    args: ["/shut/p"],
    prepare: (rootfs) => mkdirSync(join(rootfs, "shut")),
    names: /\/shut\/p/,
  },
];

export const ERRORS: readonly Single[] = REFUSED.map(({ name, args = ["true"], names, prepare, spec = () => {} }) => ({
  name: `refused: ${name}`,
  args,
  spec,
  ...(prepare && { prepare }),
  same: oneErrorLine(names),
  expect: { code: 1, stdout: "" },
}));

/** What looks wrong and is not: a runtime that is too strict fails here. */
export const HARMLESS: readonly Single[] = (
  [
    [
      "masked and read-only paths that are missing",
      ({ linux }) => {
        linux.maskedPaths.push("/proc/nonexistent", "/none/at/all");
        linux.readonlyPaths.push("/proc/nonexistent2", "/none/at/all2");
      },
    ],
    [
      "an annotation that nobody knows",
      (spec) => {
        spec.annotations = { ...spec.annotations, "org.example.x": "y" };
      },
    ],
    [
      "no limits and no resources",
      (spec) => {
        spec.process.rlimits = [];
        spec.linux.resources = { devices: [] };
      },
    ],
    [
      "an environment without a path",
      ({ process }) => {
        process.env = ["A=b"];
      },
    ],
    ["capabilities left out", ({ process }) => void delete process.capabilities],
    [
      "no annotations, no masks",
      ({ linux }) => {
        linux.maskedPaths = [];
        linux.readonlyPaths = [];
      },
    ],
    [
      "a mount to a place of many slashes",
      ({ mounts }) => void mounts.push({ destination: "//x///y/../z/", type: "tmpfs", source: "tmpfs", options: [] }),
    ],
  ] as [string, (spec: Spec) => void][]
).map(([name, spec]) => ({
  name: `allowed: ${name}`,
  args: ["/bin/sh", "-c", "/bin/echo fine; /bin/ls -d /x/z 2> /dev/null; /bin/grep ^CapEff /proc/self/status"],
  spec,
  expect: { code: 0 },
}));
