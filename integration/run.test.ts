/** `ctr run`: output, exit codes and input, the same as under runc. */
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeConfig } from "./harness/config.ts";
import { LAYERED_IMAGE, makeImage, makeRootfs } from "./harness/image.ts";
import { useLab, VERSIONS, visible } from "./harness/lab.ts";
import { pagedProgram } from "./harness/paged-program.ts";
import { microvm, runc, runtime } from "./harness/paths.ts";

describe.each(VERSIONS)("containerd %s", (version) => {
  const lab = useLab(version);

  test.each([
    ["both streams apart and exit status 42", ["sh", "-c", "echo out; echo err >&2; exit 42"]],
    ["exit status 0", ["true"]],
    ["exit status 255", ["sh", "-c", "exit 255"]],
    ["a process killed by a signal", ["sh", "-c", "sh -c 'kill -9 $$'; echo $?"]],
    ["arguments as they are", ["printf", "%s\\n", "a b", "", "x=y.z", "--", "$HOME", "é✓", "line\nline", "'\""]],
    ["user, directory, environment", ["sh", "-c", "id; hostname; pwd; env | sort | grep -v HOSTNAME; umask"]],
    ["the root directory", ["sh", "-c", "ls -ln / | awk '{print $1, $3, $4, $9}'; touch /new && cat /new"]],
    [
      "capabilities and signals",
      ["sh", "-c", "grep -E '^(Cap|SigPnd|SigBlk|SigCgt|NoNewPrivs|Seccomp:)' /proc/self/status"],
    ],
    ["its own processes only", ["sh", "-c", "cat /proc/1/comm; echo $$"]],
    ["devices", ["sh", "-c", "ls /dev | grep -v core; echo x > /dev/null; head -c 3 /dev/zero | od -c"]],
  ])("%s", async (_, args) => {
    const [ours, theirs] = [await lab.run(args), await lab.run(args, { runtime: runc })];
    expect(visible(ours)).toEqual(visible(theirs));
  });

  test("the kernel is the guest's", async () => {
    const { stdout } = await lab.run(["uname", "-r"]);
    expect(stdout.toString()).toMatch(/-microvm\n$/);
  });

  test("10 MB of random bytes come back, and the end of the input ends it", async () => {
    const input = randomBytes(10_000_000);
    const { code, stdout } = await lab.run(["cat"], { input });
    expect(code).toBe(0);
    expect(stdout.equals(input)).toBe(true);
  });

  test("a reader that ends early ends the pipeline", async () => {
    const input = Array.from({ length: 100_000 }, (_, n) => `line ${n}\n`).join("");
    const { code, stdout } = await lab.run(["head", "-n", "7"], { input });
    expect({ code, stdout: stdout.toString() }).toEqual({
      code: 0,
      stdout: input.split("\n", 7).join("\n").concat("\n"),
    });
  });

  test("a missing program is the client's error", async () => {
    const { code, stderr } = await lab.run(["nosuchprogram"]);
    expect(code).toBe(1);
    expect(stderr.toString()).toMatch(/nosuchprogram.*(not found|No such file)/);
  });

  test("a bad root file system is one line that names it", async () => {
    const args = ["run", "--rm", "--runtime", microvm, "--rootfs", "/nonexistent", lab.freshId(), "true"];
    const { code, stderr } = await lab.containerd.ctr(args);
    expect(code).toBe(1);
    expect(stderr.toString()).toMatch(/\/nonexistent/);
  });

  test("a directory as root file system, read only", async () => {
    const rootfs = join(lab.containerd.directory, "rootfs");
    makeRootfs(rootfs);
    const args = ["run", "--rm", "--runtime", microvm, "--read-only", "--rootfs", rootfs, lab.freshId()];
    const { code, stdout, stderr } = await lab.containerd.ctr([...args, "/bin/sh", "-c", "ls /bin/busybox; touch /x"]);
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 1, stdout: "/bin/busybox\n" });
    expect(stderr.toString()).toContain("Read-only file system");
  });

  test("a program is what its file holds, whatever its memory held before", async () => {
    const rootfs = join(lab.containerd.directory, "rootfs-programs");
    makeRootfs(rootfs);
    const statuses = Array.from({ length: 20 }, (_, n) => {
      const numbers = randomBytes(300);
      writeFileSync(join(rootfs, `program${n}`), pagedProgram(numbers), { mode: 0o755 });
      return numbers.reduce((sum, number) => sum + number, 0) % 256;
    });
    const runs = statuses.map((status, n) => `/program${n}; [ $? = ${status} ] || echo wrong ${n}; drop`).join("\n");
    const script = `drop() { echo 1 > /proc/sys/vm/drop_caches; }\n${runs}\n${runs}\n${runs}\necho done`;
    const id = lab.freshId();
    const args = ["run", "--rm", "--privileged", "--runtime", runtime, "--rootfs", rootfs, id, "/bin/sh", "-c", script];
    expect(visible(await lab.containerd.ctr(args))).toEqual({ code: 0, stdout: "done\n", stderr: "" });
  });

  test("an image of many layers", async () => {
    const archive = join(lab.containerd.directory, "layers.tar");
    makeImage(archive, LAYERED_IMAGE, 60);
    await lab.containerd.mustCtr(["image", "import", archive]);
    const { stdout } = await lab.run(["sh", "-c", "cat /layers/* | sort -n | tail -n 1; ls /layers | wc -l"], {
      image: LAYERED_IMAGE,
    });
    expect(stdout.toString()).toBe("59\n60\n");
  });

  test("bind mounts of a directory and of a file", async () => {
    const source = join(lab.containerd.directory, "volume");
    mkdirSync(source);
    writeFileSync(join(source, "file"), "from the host\n");
    const flags = [
      `type=bind,src=${source},dst=/volume,options=rbind:rw`,
      `type=bind,src=${source}/file,dst=/etc/one,options=rbind:ro`,
    ];
    const script = "cat /volume/file /etc/one; echo new > /volume/new; echo no > /etc/one";
    const mounts = flags.flatMap((mount) => ["--mount", mount]);
    const { code, stdout } = await lab.run(["sh", "-c", script], { flags: mounts });
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 1, stdout: "from the host\nfrom the host\n" });
  });

  test("a user namespace whose root is nobody outside, with a directory of the host", async () => {
    const source = join(lab.containerd.directory, "volume-of-root");
    mkdirSync(source, { mode: 0o755 });
    writeFileSync(join(source, "file"), "from the host\n");
    const config = await writeConfig(lab, ({ process, mounts, linux }) => {
      process.args = ["sh", "-c", "id -u; cat /proc/self/uid_map /tmp/file; touch /tmp/new"];
      mounts.push({ destination: "/tmp", type: "bind", source, options: ["rbind", "rw"] });
      const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      linux.namespaces.push({ type: "user" });
      Object.assign(linux, { uidMappings: ids, gidMappings: ids });
    });
    const argv = ["run", "--rm", "--runtime", microvm, "--config", config, lab.freshId()];
    expect(visible(await lab.containerd.ctr(argv))).toEqual({
      code: 1,
      stdout: expect.stringMatching(/^0\n +0 +100000 +65536\nfrom the host\n$/),
      stderr: expect.stringContaining("touch: /tmp/new: Permission denied"),
    });
  });

  test("the VM is as large as the limits ask for", async () => {
    const flags = ["--memory-limit", String(128 << 20), "--cpus", "2"];
    const { stdout } = await lab.run(
      ["sh", "-c", "nproc; awk '/MemTotal/ {print ($2 > 128*1024 && $2 < 192*1024)}' /proc/meminfo"],
      { flags },
    );
    expect(stdout.toString()).toBe("2\n1\n");
  });

  test("ten at once", async () => {
    const numbers = Array.from({ length: 10 }, (_, n) => n);
    const results = await Promise.all(
      numbers.map((n) => lab.run(["sh", "-c", `echo ${n}; exit ${n}`], { limit: 110_000 })),
    );
    expect(results.map(({ code, stdout }) => [code, stdout.toString()])).toEqual(numbers.map((n) => [n, `${n}\n`]));
  });
});
