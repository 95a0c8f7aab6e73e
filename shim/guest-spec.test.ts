import { expect, test } from "vitest";
import { guestSpec } from "./guest-spec.ts";

const SPEC = {
  ociVersion: "1.2.1",
  root: { path: "rootfs", readonly: true },
  process: { args: ["true"], apparmorProfile: "p", selinuxLabel: "l" },
  hooks: { createRuntime: [{ path: "/bin/hook" }], startContainer: [{ path: "/bin/inside" }] },
  mounts: [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/data", type: "bind", source: "/srv/data", options: ["rbind", "ro"] },
    { destination: "/etc/hosts", source: "hosts", options: ["bind"] },
  ],
  linux: {
    cgroupsPath: "/default/c1",
    namespaces: [{ type: "pid" }, { type: "network", path: "/proc/1/ns/net" }],
    resources: { cpu: { quota: 100, cpus: "0-1", mems: "0" }, memory: { limit: 5 } },
  },
};

const none = () => undefined;

test("paths, namespaces and resources become the guest's", () => {
  const volumes = [
    { source: "/run/volumes/7", flags: [] },
    { source: "/run/volumes/3", flags: ["nosuid"] },
  ];
  const spec = guestSpec(SPEC, "c1", volumes, "host", none);
  expect(spec.root).toEqual({ path: "/run/shared/c1/rootfs", readonly: true });
  expect(spec.process).toEqual({ args: ["true"] });
  expect(spec.hooks).toEqual({ startContainer: [{ path: "/bin/inside" }] });
  expect(spec.linux?.namespaces).toEqual([{ type: "pid" }, { type: "network", path: "/proc/1/ns/net" }]);
  expect(spec.hostname).toBe("host");
  expect(spec.linux?.cgroupsPath).toBe("/c1");
  expect(spec.linux?.resources).toEqual({ cpu: { quota: 100 }, memory: { limit: 5 } });
  expect(spec.mounts?.map(({ source }) => source)).toEqual(["proc", "/run/volumes/7", "/run/volumes/3"]);
  expect(spec.mounts?.map(({ options }) => options)).toEqual([undefined, ["rbind", "ro"], ["bind", "nosuid"]]);
});

test("a namespace of the host that is no network cannot be joined", () => {
  const linux = { namespaces: [{ type: "ipc", path: "/proc/1/ns/ipc" }] };
  expect(() => guestSpec({ linux }, "c1", [], "host", none)).toThrow(
    "joining the ipc namespace /proc/1/ns/ipc is not supported",
  );
});

test("a namespace of another container of the VM is joined by its path in the guest, any other is refused", () => {
  const joining = { linux: { namespaces: [{ type: "ipc", path: "/proc/77/ns/ipc" }] } };
  const known = (path: string) => (path === "/proc/77/ns/ipc" ? "/proc/12/ns/ipc" : undefined);
  expect(guestSpec(joining, "c", [], "host", known).linux?.namespaces).toContainEqual({
    type: "ipc",
    path: "/proc/12/ns/ipc",
  });
  expect(() => guestSpec(joining, "c", [], "host", none)).toThrow("joining the ipc namespace /proc/77/ns/ipc");
});
