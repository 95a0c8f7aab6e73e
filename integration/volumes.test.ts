/** Volumes and the root file system are what they are under runc, and what host and container change both see. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Outcome, Shared } from "./differential/case.ts";
import { both, judge, runShared, runSingle } from "./differential/compare.ts";
import { oneErrorLine, replacing } from "./differential/normalise.ts";
import { IMAGE } from "./harness/image.ts";
import { useLab } from "./harness/lab.ts";
import { microvm } from "./harness/paths.ts";
import { bindFlags, buildProbe, PROBE, sharedTree } from "./volumes/host.ts";
import { transcript } from "./volumes/live.ts";
import { Shell } from "./volumes/shell.ts";

const lab = useLab("2.4");
const directory = (name: string) => join(lab.containerd.directory, name);

describe.each([
  ["a volume", "/v"],
  ["the root file system", "/root/empty"],
])("%s", (_, place) => {
  let outcomes: ReturnType<typeof run> | undefined;
  const run = () =>
    both(async (name) => {
      const empty = directory("empty");
      mkdirSync(empty);
      const flags = [...bindFlags(buildProbe(directory("bin")), PROBE, "ro"), ...bindFlags(empty, "/v", "rw")];
      const outcome = await runSingle(
        lab,
        { name: "probe", flags, args: ["sh", "-c", `mkdir -p ${place}; exec ${PROBE}/probe ${place}`] },
        name,
      );
      rmSync(empty, { recursive: true });
      return outcome;
    });
  const lines =
    (pattern: RegExp, wanted: boolean) =>
    (outcome: Outcome): Outcome => ({
      ...outcome,
      stdout: outcome.stdout
        .split("\n")
        .filter((line) => pattern.test(line) === wanted)
        .join("\n"),
    });
  const tmpfile = /^(a file without a name|a name for it|as it was made)/;
  const birth = /^birth time/;
  const rest = new RegExp(`${tmpfile.source}|${birth.source}`);

  test("is a file system like the host's, in each of some 150 expectations", async () => {
    outcomes ??= run();
    judge({ name: "", same: lines(rest, false), expect: { code: 0, stderr: "" } }, await outcomes);
  });
  test("has no files without a name", async () => {
    outcomes ??= run();
    judge({ name: "", same: lines(tmpfile, true), differs: ["tmpfile", lines(tmpfile, false)] }, await outcomes);
  });
  test("tells no birth time", async () => {
    outcomes ??= run();
    judge({ name: "", same: lines(birth, true), differs: ["birth", lines(birth, false)] }, await outcomes);
  });
});

describe("options", () => {
  const group = (tree: string, flagged: string): Shared => ({
    name: "options",
    flags: [
      ...bindFlags(tree, "/rbind", "rbind:rw"),
      ...bindFlags(flagged, "/kept", "bind"),
      ...bindFlags(`${flagged}/f`, "/kept-file", "bind:rprivate:rw"),
      ...bindFlags(flagged, "/anew", "bind:noatime"),
      ...bindFlags(tree, "/bind", "bind:rw"),
      ...bindFlags(tree, "/ro", "rbind:ro"),
      ...bindFlags(tree, "/rro", "rbind:rro"),
      ...bindFlags(tree, "/strict", "rbind:nosuid:nodev:noexec"),
      ...bindFlags(`${tree}/link`, "/missing/a/b", "rbind"),
      ...bindFlags(`${tree}/filelink`, "/missing/file", "bind:ro"),
      ...bindFlags(tree, "/etc/passwd/../beside", "bind"),
      ...bindFlags("/dev/null", "/masked", "bind"),
    ],
    scripts: [
      { name: "submounts with rbind, none with bind", script: "ls /rbind/below /bind/below; cat /rbind/below/f" },
      { name: "a read-only volume", script: "touch /ro/x; rm /ro/file; touch /rro/x; touch /rro/below/x" },
      {
        name: "what is below a read-only volume",
        script: "touch /ro/below/x && rm /ro/below/x && echo written",
        differs: ["submounts", () => ({ code: 0, stdout: "", stderr: "" })],
      },
      {
        name: "the options of each",
        script: `awk '$5 ~ /^.(rbind|bind|ro|rro|strict|missing|etc.beside)/ && $5 !~ /below/ {print $5, $6}' /proc/self/mountinfo`,
        expect: { code: 0 },
      },
      {
        name: "the flags of the source's mount, unless there are others",
        script: `awk '$5 ~ /^.(kept|anew)/ {gsub(/,relatime/, "", $6); print $5, $6}' /proc/self/mountinfo`,
        expect: { code: 0 },
      },
      {
        name: "what they mean",
        script: `for at in /kept /anew; do cp /bin/busybox $at/id; $at/id -u; echo $?; mknod $at/null c 1 3; echo > $at/null; echo $?; rm $at/id $at/null; done; echo x > /kept-file && cat /kept-file`,
      },
      { name: "no programs", script: "cp /bin/busybox /rbind/echo; /strict/echo x; /rbind/echo y; rm /rbind/echo" },
      { name: "through symbolic links", script: "cat /missing/a/b/file /missing/file /etc/beside/file" },
      { name: "a device that every kernel has", script: "echo x > /masked && cat /masked && stat -c %F /masked" },
    ],
  });

  test("are those of runc, script by script", async () => {
    await using tree = sharedTree(directory("tree"));
    const { path } = tree;
    mkdirSync(join(path, "below"));
    writeFileSync(join(path, "file"), "a file\n");
    symlinkSync(path, join(path, "link"));
    symlinkSync("file", join(path, "filelink"));
    tree.mount("below");
    await using outer = sharedTree(directory("outer"));
    const flagged = join(outer.path, "flagged");
    mkdirSync(flagged);
    outer.mount("flagged", "nosuid,nodev,noexec");
    writeFileSync(join(flagged, "f"), "f\n");
    writeFileSync(join(path, "below/f"), "below\n");
    const compared = group(path, flagged);
    const { theirs, ours } = await both((name) => runShared(lab, compared, name));
    for (const [n, comparison] of compared.scripts.entries()) {
      judge(comparison, { theirs: theirs[n] as Outcome, ours: ours[n] as Outcome });
    }
  });
});

describe("what cannot be mounted", () => {
  const refused = (source: string, options = "bind") =>
    runSingle(lab, { name: "", flags: bindFlags(source, "/x", options), args: ["ls", "/x"] }, microvm);

  test("a missing source is told in runc's words", async () => {
    const { theirs, ours } = await both((name) =>
      runSingle(lab, { name: "", flags: bindFlags("/nonexistent", "/x", "bind"), args: ["true"] }, name),
    );
    const words =
      /^.*(error mounting "\/nonexistent" to rootfs at "\/x": stat \/nonexistent: no such file or directory)/g;
    const same = (outcome: Outcome) => replacing(words, "$1")(oneErrorLine(words)(outcome));
    judge({ name: "", same, expect: { code: 1 } }, { theirs, ours });
  });

  test("a socket, a fifo and a device of the host, and a mount to be shared", async () => {
    const socket = directory("s.sock");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    const fifo = directory("fifo");
    const device = directory("device");
    execFileSync("mkfifo", [fifo]);
    execFileSync("mknod", [device, "c", "10", "232"]);
    try {
      for (const [source, options, why] of [
        [socket, "bind", "it is a unix socket of the host, which a VM cannot reach"],
        [fifo, "bind", "it is a fifo of the host, which a VM cannot reach"],
        [device, "bind", "it is a device of the host, which a VM cannot reach"],
        [directory("root"), "rbind:rshared", "no mount is shared with it; rslave works"],
      ] as const) {
        const { code, stderr } = await refused(source, options);
        expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`cannot mount "${source}"`) });
        expect(stderr).toContain(why);
      }
    } finally {
      server.close();
      for (const path of [fifo, device]) rmSync(path);
    }
  });
});

describe("while the container runs", () => {
  test("host and container see each other's changes at once, as under runc", async () => {
    const { theirs, ours } = await both((name) => transcript(lab, directory("live"), name));
    expect(ours.compared).toEqual(theirs.compared);
    // The known differences: locks of the host, and the news of its changes.
    expect(theirs.lock).toBe("the lock is taken\n");
    expect(ours.lock).toBe("the lock is free\n");
    expect(theirs.watched).toContain("by-host");
    expect(ours.watched).not.toContain("by-host");
    expect(ours.watched).toContain("by-container");
  });

  test("a directory of 100,000 files is listed whole, also after changes on either side", async () => {
    const many = directory("many");
    mkdirSync(many);
    const names = new Set(Array.from({ length: 100_000 }, (_, n) => `file-${n}`));
    for (const name of names) writeFileSync(join(many, name), "");
    await using shell = new Shell(lab, microvm, [
      ...bindFlags(buildProbe(directory("bin")), PROBE, "ro"),
      ...bindFlags(many, "/v", "rw"),
    ]);
    const seen = async () => (await shell.ask(`${PROBE}/probe --list /v`)).trimEnd().split("\n").toSorted();
    expect(await seen()).toEqual([...names].toSorted());
    rmSync(join(many, "file-50000"));
    writeFileSync(join(many, "host's"), "");
    expect(await shell.ask('rm /v/file-77777; touch "/v/guest\'s"')).toBe("");
    for (const name of ["file-50000", "file-77777"]) names.delete(name);
    for (const name of ["host's", "guest's"]) names.add(name);
    expect(await seen()).toEqual([...names].toSorted());
    expect(readdirSync(many).toSorted()).toEqual([...names].toSorted());
    rmSync(many, { recursive: true });
  });

  test("containers of a pod that mount the same share locks and sockets", async () => {
    const volume = directory("pod");
    mkdirSync(volume);
    const flags = [...bindFlags(buildProbe(directory("bin")), PROBE, "ro"), ...bindFlags(volume, "/v", "rw")];
    const pod = lab.freshId();
    const group = ["--annotation", `io.containerd.runc.v2.group=${pod}`];
    const server = lab.containerd.hold(
      ["run", "--rm", "--runtime", microvm, ...group, ...flags, IMAGE, pod, `${PROBE}/probe`, "--serve", "/v/s"],
      { limit: 60_000 },
    );
    await server.printed("listening");
    const { stdout } = await runSingle(
      lab,
      { name: "", flags, args: [`${PROBE}/probe`, "--ask", "/v/s"] },
      microvm,
      pod,
    );
    expect(stdout).toBe("hello\n");
    expect((await server.done).code).toBe(0);
    rmSync(volume, { recursive: true });
  });
});
