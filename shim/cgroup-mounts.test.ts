import { expect, test } from "vitest";
import { parseMountinfo } from "./cgroup-mounts.ts";

test("hierarchies of version 1 are found once each, the one of version 2 beside them", () => {
  const found = parseMountinfo(
    [
      "20 1 8:1 / / rw - ext4 /dev/sda1 rw",
      "29 20 0:26 / /opt/elsewhere rw - cgroup cgroup rw,memory",
      "30 20 0:26 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory",
      "31 20 0:26 / /sys/fs/cgroup/again rw - cgroup cgroup rw,memory",
      "32 20 0:27 / /sys/fs/cgroup/cpu\\040and\\040more rw - cgroup cgroup rw,cpu,cpuacct",
      "33 20 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate",
      "",
    ].join("\n"),
  );
  expect(found).toEqual([
    { version: 1, root: "/sys/fs/cgroup/memory", controllers: new Set(["rw", "memory"]) },
    { version: 1, root: "/sys/fs/cgroup/cpu and more", controllers: new Set(["rw", "cpu", "cpuacct"]) },
    { version: 2, root: "/sys/fs/cgroup/unified", controllers: new Set() },
  ]);
});
