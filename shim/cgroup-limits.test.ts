import { expect, test } from "vitest";
import type { Resources } from "./bundle.ts";
import { isLimited, vmLimits } from "./cgroup-limits.ts";

const MIB = 1024 * 1024;
const VM = 400 * MIB;

function files(resources: Resources, version: 1 | 2): Record<string, string> {
  return Object.fromEntries(vmLimits(resources, VM, version).map(({ file, value }) => [file, value]));
}

test("what is not limited is left alone", () => {
  for (const version of [1, 2] as const) {
    expect(files({}, version)).toEqual({});
    expect(files({ memory: { limit: 0 }, cpu: { quota: 0, shares: 0, period: 0, cpus: "" } }, version)).toEqual({});
  }
});

const EVERYTHING: Resources = {
  memory: { limit: 100 * MIB, swap: 150 * MIB },
  cpu: { shares: 512, quota: 50_000, period: 200_000, cpus: "0-1,3", mems: "0" },
};

test("the memory limit is the VM's, the rest the container's", () => {
  expect(files(EVERYTHING, 1)).toEqual({
    "memory.limit_in_bytes": String(VM),
    "memory.memsw.limit_in_bytes": String(VM + 50 * MIB),
    "cpu.shares": "512",
    "cpu.cfs_period_us": "200000",
    "cpu.cfs_quota_us": "50000",
    "cpuset.cpus": "0-1,3",
    "cpuset.mems": "0",
  });
  expect(files(EVERYTHING, 2)).toEqual({
    "memory.max": String(VM),
    "memory.swap.max": String(50 * MIB),
    "cpu.weight": "20",
    "cpu.max": "50000 200000",
    "cpuset.cpus": "0-1,3",
    "cpuset.mems": "0",
  });
});

test("a limit that is taken away is taken away", () => {
  const none: Resources = { memory: { limit: -1, swap: -1 }, cpu: { quota: -1 } };
  expect(files(none, 1)).toEqual({
    "memory.limit_in_bytes": "-1",
    "memory.memsw.limit_in_bytes": "-1",
    "cpu.cfs_quota_us": "-1",
  });
  expect(files(none, 2)).toEqual({ "memory.max": "max", "memory.swap.max": "max", "cpu.max": "max 100000" });
});

test("shares keep to the range of weights", () => {
  const weight = (shares: number) => files({ cpu: { shares } }, 2)["cpu.weight"];
  expect([1, 2, 1024, 262_144, 1e9].map(weight)).toEqual(["1", "1", "39", "10000", "10000"]);
});

test("only what a user asks to be held is a limit that must be held", () => {
  expect(isLimited({ cpu: { shares: 2 }, memory: { limit: -1 } })).toBe(false);
  expect([{ memory: { limit: 1 } }, { cpu: { quota: 1 } }, { cpu: { cpus: "0" } }].map(isLimited)).toEqual([
    true,
    true,
    true,
  ]);
});
