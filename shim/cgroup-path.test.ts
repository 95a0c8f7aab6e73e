import { expect, test } from "vitest";
import { cgroupPath } from "./cgroup-path.ts";

test.each([
  ["/default/c1", "/default/c1"],
  ["default/c1", "/default/c1"],
  ["/../../etc/../a//b/", "/a/b"],
  ["/kubepods/pod:with:colons", "/kubepods/pod:with:colons"],
  ["system.slice:nerdctl:c1", "/system.slice/nerdctl-c1.scope"],
  [":nerdctl:c1", "/system.slice/nerdctl-c1.scope"],
  ["-.slice::c1", "/c1.scope"],
  [
    "kubepods-burstable-pod1_2.slice:cri-containerd:c1",
    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-c1.scope",
  ],
  ["a.slice:x:b.slice", "/a.slice/b.slice"],
  ["", undefined],
  ["/", undefined],
  [undefined, undefined],
])("%s is %s", (given, path) => {
  expect(cgroupPath(given)).toBe(path);
});

test.each(["a/b.slice:x:y", "a.slice:../x:y", "a.slice:x:../y", "a:x:y", "a--b.slice:x:y", "/a\0b"])(
  "%s is refused",
  (given) => {
    expect(() => cgroupPath(given)).toThrow("linux.cgroupsPath");
  },
);
