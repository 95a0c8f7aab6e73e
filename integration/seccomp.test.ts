/** Seccomp profiles: compiled on the host, loaded in the guest. */
import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { writeConfig } from "./harness/config.ts";
import { end, FOREVER } from "./harness/forever.ts";
import { useLab, VERSIONS, visible } from "./harness/lab.ts";
import { microvm, runc } from "./harness/paths.ts";

describe.each(VERSIONS)("seccomp under containerd %s", (version) => {
  const lab = useLab(version, "", false, "debug");

  test("the default profile is loaded, and refuses as under runc", async () => {
    const script =
      "grep -E '^(Seccomp|NoNewPrivs)' /proc/self/status; unshare -U true; echo $?; unshare -m true; echo $?";
    const options = { flags: ["--seccomp"] };
    // Other tests have the same profile.
    rmSync("/var/cache/microvm/seccomp", { recursive: true, force: true });
    const ours = visible(await lab.run(["sh", "-c", script], options));
    expect(ours.stdout).toMatch(/^Seccomp:\t2$/m);
    expect(ours).toEqual(visible(await lab.run(["sh", "-c", script], { ...options, runtime: runc })));
    // Compiled on the host, and the next time not even that.
    expect(lab.containerd.logText).toMatch(/msg="seccomp compiled" .* cached=0/);
    await lab.run(["true"], options);
    expect(lab.containerd.logText).toMatch(/msg="seccomp compiled" .* cached=1/);
    expect(lab.containerd.logText).not.toMatch(/the guest compiles the seccomp profile/);
  });

  test("a profile of one's own has its own errors, also for an exec", async () => {
    const id = lab.freshId();
    const config = await writeConfig(lab, ({ process, linux }) => {
      process.args = FOREVER;
      linux.seccomp = {
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: ["SCMP_ARCH_X86_64"],
        syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 }],
      };
    });
    const client = lab.containerd.hold(["run", "--rm", "--runtime", microvm, "--config", config, id]);
    await client.printed("ready");
    const { stderr } = await lab.containerd.ctr(["task", "exec", "--exec-id", "e", id, "mkdir", "/dev/x"]);
    expect(stderr.toString()).toContain("No space left on device");
    await end(lab, { id, client });
  });
});
