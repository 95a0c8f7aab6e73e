import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildHelper } from "./testing/helper.ts";
import { tscKhz } from "./tsc.ts";

let directory = "";
let program = "";
let reliable = "";

beforeAll(() => {
  ({ directory, program } = buildHelper(join(import.meta.dirname, "tsc.c"), "microvm-tsc"));
  reliable = join(directory, "clocksources");
  writeFileSync(reliable, "tsc kvm-clock acpi_pm\n");
});
afterAll(() => rmSync(directory, { recursive: true }));

test("what is measured is a frequency, and the same each time to some parts in a million", () => {
  const khz = [1, 2, 3].map((n) => tscKhz(program, join(directory, `measured${n}`), reliable) ?? 0);
  for (const each of khz) expect(Math.abs(each - (khz[0] ?? 0)) / each).toBeLessThan(100e-6);
  expect(khz[0]).toBeGreaterThan(100_000);
});

test("it is measured once", () => {
  const cache = join(directory, "new", "tsc_khz");
  const khz = tscKhz(program, cache, reliable);
  expect(readFileSync(cache, "utf8")).toBe(`${khz}\n`);
  expect(tscKhz("/no/such/program", cache, reliable)).toBe(khz);
});

test("what is kept and cannot be right is measured anew", () => {
  const cache = join(directory, "wrong");
  for (const wrong of ["", "-1", "1e99", "x"]) {
    writeFileSync(cache, wrong);
    expect(tscKhz(program, cache, reliable)).toBeGreaterThan(100_000);
  }
});

test("a counter that the host does not rely on is not measured", () => {
  const unreliable = join(directory, "unreliable");
  writeFileSync(unreliable, "hpet acpi_pm\n");
  expect(tscKhz(program, join(directory, "none"), unreliable)).toBeUndefined();
  expect(existsSync(join(directory, "none"))).toBe(false);
});
