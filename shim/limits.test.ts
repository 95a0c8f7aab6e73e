import { expect, test } from "vitest";
import { limitsOf } from "./limits.ts";

const linux = { resources: { memory: { limit: 5 }, cpu: { quota: 7, period: 9 } } };

test("a container's own limits count", () => {
  expect(limitsOf({ linux })).toEqual({ memory: 5, cpuQuota: 7, cpuPeriod: 9 });
  expect(limitsOf({})).toEqual({});
});

test("a pod's limits come before those of its sandbox", () => {
  const annotations = {
    "io.kubernetes.cri.sandbox-memory": "1000",
    "io.kubernetes.cri.sandbox-cpu-quota": "200000",
    "io.kubernetes.cri.sandbox-cpu-period": "100000",
  };
  expect(limitsOf({ linux, annotations })).toEqual({ memory: 1000, cpuQuota: 200_000, cpuPeriod: 100_000 });
});

test.each(["0", "-1", "", "1e9", "much"])("a pod's limit of %j is none", (text) => {
  const annotations = {
    "io.kubernetes.cri.sandbox-memory": text,
    "io.kubernetes.cri.sandbox-cpu-quota": text,
    "io.kubernetes.cri.sandbox-cpu-period": "100000",
  };
  expect(limitsOf({ linux, annotations })).toEqual({ memory: 5, cpuQuota: 7, cpuPeriod: 9 });
});
