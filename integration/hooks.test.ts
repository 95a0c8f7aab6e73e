/** The hooks of config.json, on the host and in the container. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeConfig } from "./harness/config.ts";
import { until } from "./harness/deadline.ts";
import { FOREVER } from "./harness/forever.ts";
import { useLab, VERSIONS } from "./harness/lab.ts";
import { microvm, runc } from "./harness/paths.ts";
import { removeFifos } from "./harness/remains.ts";

const HOOKS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const;

describe.each(VERSIONS)("hooks under containerd %s", (version) => {
  const lab = useLab(version);

  /** Every hook writes its name and the state that it was given: on the host to `log`, in the container to its root. */
  async function withHooks(failing?: string): Promise<{ config: string; log: string; rootfs: string }> {
    let rootfs = "";
    const log = join(lab.containerd.directory, `hooks-${lab.freshId()}`);
    const script = (name: string, to: string) =>
      `{ echo "${name} $(pwd)"; cat; echo; } >> ${to}; ${name === failing ? "echo out; echo err >&2; exit 3" : "true"}`;
    const config = await writeConfig(lab, (config) => {
      rootfs = config.root.path;
      config.process.args = ["cat", "/inside"];
      config.annotations = { "a.b": "c" };
      config.hooks = Object.fromEntries(
        HOOKS.map((name) => [
          name,
          [{ path: "/bin/sh", args: ["sh", "-c", script(name, name === "startContainer" ? "/inside" : log)] }],
        ]),
      );
      // The container writes into its root.
      Object.assign(config.root, { readonly: false });
    });
    return { config, log, rootfs };
  }

  function told(log: string): { name: string; directory: string; state: Record<string, unknown> }[] {
    const lines = readFileSync(log, "utf8").trim().split("\n");
    return lines.flatMap((line, index) => {
      const [name = "", directory = ""] = line.split(" ");
      return index % 2 === 0 ? [{ name, directory, state: JSON.parse(lines[index + 1] ?? "") }] : [];
    });
  }

  test("each kind runs once, in order, with the state that is true then", async () => {
    const { config, log } = await withHooks();
    const id = lab.freshId();
    const { stdout, stderr } = await lab.containerd.ctr(["run", "--rm", "--runtime", microvm, "--config", config, id]);
    expect(stdout.toString(), stderr.toString()).toMatch(/^startContainer \/\n\{.*"id":"t.*\}\n$/);
    const hooks = told(log);
    expect(hooks.map(({ name, state }) => [name, state.status])).toEqual([
      ["prestart", "creating"],
      ["createRuntime", "creating"],
      ["createContainer", "creating"],
      ["poststart", "running"],
      ["poststop", "stopped"],
    ]);
    for (const { name, directory, state } of hooks) {
      expect(state).toMatchObject({ id, annotations: { "a.b": "c" } });
      expect(state.pid, name).toEqual(name === "poststop" ? undefined : expect.any(Number));
      expect(directory === state.bundle).toBe(name !== "createContainer");
    }
  });

  test.each(["prestart", "createRuntime", "createContainer", "poststart"])(
    "a %s hook that fails ends the start, and poststop hooks still run, as under runc",
    async (failing) => {
      for (const name of [microvm, runc]) {
        const { config, log } = await withHooks(failing);
        const result = await lab.containerd.ctr(["run", "--rm", "--runtime", name, "--config", config, lab.freshId()]);
        expect(result.code).toBe(1);
        expect(result.stderr.toString()).toMatch(/hook #0: .*exit status 3, stdout: out\s*, stderr: err/);
        expect(told(log).map((hook) => hook.name)).toContain("poststop");
      }
    },
  );

  test("poststop hooks run when the shim was killed", async () => {
    const { config, log } = await withHooks();
    const spec = JSON.parse(readFileSync(config, "utf8"));
    spec.process.args = FOREVER;
    writeFileSync(config, JSON.stringify(spec));
    const id = lab.freshId();
    const client = lab.containerd.hold(["run", "--rm", "--runtime", microvm, "--config", config, id]);
    await client.printed("ready");
    const pid = told(log)[0]?.state.pid;
    const [, parent] = /PPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    process.kill(Number(parent), "SIGKILL");
    await client.done;
    await until(10_000, "the hook runs", () =>
      /^poststop .*\n.*\}\n$/m.test(readFileSync(log, "utf8")) ? true : undefined,
    );
    expect(told(log).at(-1)?.state).toMatchObject({ id, status: "stopped" });
    await lab.containerd.removeAll();
    removeFifos();
  });
});
