import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { keptFlags, mountOptions, optionsOf } from "./mount-flags.ts";

const MOUNTINFO = `21 1 254:1 / / rw,relatime shared:1 - ext4 /dev/root rw
121 21 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:2 - sysfs sysfs rw
22 21 0:21 / /a\\040b ro,noatime - tmpfs tmpfs rw
`;

test.each([
  ["121", ["rw", "nosuid", "nodev", "noexec", "relatime"]],
  ["22", ["ro", "noatime"]],
  ["2", []],
])("the options of mount %s are %j", (id, options) => {
  expect(optionsOf(MOUNTINFO, id)).toEqual(options);
});

const SOURCE = ["ro", "nosuid", "nodev", "noexec", "relatime"];

test.each([
  [
    ["rbind", "rprivate", "rw"],
    ["ro", "nosuid", "nodev", "noexec"],
  ],
  [["rbind"], ["ro", "nosuid", "nodev", "noexec"]],
  [["rbind", "ro"], []],
  [["bind", "nodev"], []],
])("a bind with %j keeps %j", (options, kept) => {
  expect(keptFlags(options, SOURCE)).toEqual(kept);
});

test("a mount is found by a path on it", () => {
  const lines = readFileSync("/proc/self/mountinfo", "latin1").split("\n");
  const proc = lines.findLast((line) => line.split(" ")[4] === "/proc");
  expect(mountOptions("/proc/self/status").join(",")).toBe(proc?.split(" ")[5]);
});
