/** Tasks by the Task API itself, in a test file's containerd. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { makeRootfs } from "./image.ts";
import type { Lab } from "./lab.ts";
import { type Answer, type Method, Tasks } from "./tasks.ts";

export const SIGKILL = 9;

export interface TaskApi {
  /** Calls a method for the container. Rejects with the error of the service. */
  call(method: Method, id: string, more?: object): Promise<Answer>;
  /** The gRPC code of a call; 0 is none. */
  code(method: Method, id: string, more?: object): Promise<number>;
  status(id: string): Promise<unknown>;
  /** A task that is created and not started, without streams, for the steps; whatever is left of it goes afterwards. */
  created<T>(runtime: string, args: string[], steps: (id: string) => Promise<T>, flags?: string[]): Promise<T>;
}

/** To be called in a `describe`, after `useLab`. */
export function useTasks(lab: Lab): TaskApi {
  let tasks: Tasks;
  let rootfs = "";
  beforeAll(() => {
    tasks = new Tasks(lab.containerd.address);
    rootfs = join(lab.containerd.directory, "task-api-rootfs");
    mkdirSync(rootfs);
    makeRootfs(rootfs);
  });
  afterAll(() => {
    tasks.close();
    rmSync(rootfs, { recursive: true, force: true });
  });
  const call: TaskApi["call"] = (method, id, more = {}) => tasks.call(method, { container_id: id, ...more });
  const code: TaskApi["code"] = (method, id, more = {}) => tasks.code(method, { container_id: id, ...more });
  return {
    call,
    code,
    status: async (id) => ((await call("Get", id)).process as Answer).status,
    async created(runtime, args, steps, flags = []) {
      const id = lab.freshId();
      const how = ["--rootfs", "--env", "PATH=/bin", "--runtime", runtime, ...flags];
      await lab.containerd.mustCtr(["container", "create", ...how, rootfs, id, ...args]);
      try {
        await call("Create", id);
        return await steps(id);
      } finally {
        await code("Kill", id, { signal: SIGKILL, all: true });
        await code("Wait", id);
        await code("Delete", id);
        await lab.containerd.mustCtr(["container", "rm", id]);
      }
    },
  };
}

/** Of an Exec. */
export function execSpec(...args: string[]): object {
  return {
    spec: {
      type_url: "types.containerd.io/opencontainers/runtime-spec/1/Process",
      value: Buffer.from(JSON.stringify({ args, cwd: "/", env: ["PATH=/bin"], user: { uid: 0, gid: 0 } })),
    },
  };
}
