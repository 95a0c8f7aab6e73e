import { expect, test } from "vitest";
import { shorten } from "./mounts.ts";

const layer = (n: number) => `/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/${n}/fs`;

test("few layers stay as they are", () => {
  const options = ["lowerdir=/a:/b", "upperdir=/u"];
  expect(shorten(options)).toEqual({ cwd: "/", options });
});

test("the paths of many layers become relative to what they share", () => {
  const layers = Array.from({ length: 200 }, (_, n) => layer(n));
  const { cwd, options } = shorten(["index=off", `lowerdir=${layers.join(":")}`, `upperdir=${layer(200)}`]);
  expect(cwd).toBe("/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots");
  expect(options[1]).toMatch(/^lowerdir=0\/fs:1\/fs:.*:199\/fs$/);
  expect(options[2]).toBe(`upperdir=${layer(200)}`);
  expect(options.join(",").length).toBeLessThan(4096);
});
