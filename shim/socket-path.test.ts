import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { socketPath } from "./socket-path.ts";

test("the path is containerd's own: a hash of address, namespace and group", () => {
  const hash = createHash("sha256").update("/run/containerd/containerd.sock/default/c1").digest("hex");
  expect(socketPath("/run/containerd/containerd.sock", "default", "c1")).toBe(`/run/containerd/s/${hash}`);
});

test("a directory that makes it too long is refused", () => {
  expect(() => socketPath("/a", "n", "g", `/${"d".repeat(60)}`)).toThrow("longer than 106");
});
