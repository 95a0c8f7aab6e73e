import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const LIMIT_MS = 2_000;
const CLOCKSOURCES = "/sys/devices/system/clocksource/clocksource0/available_clocksource";

/**
 * The frequency of the host's time-stamp counter in kHz, measured once and kept in the file `cache` until the host boots
 * anew; `program` is microvm-tsc. Undefined where the host's own kernel does not rely on the counter.
 */
export function tscKhz(program: string, cache: string, clocksources = CLOCKSOURCES): number | undefined {
  if (!/\btsc\b/.test(read(clocksources))) return undefined;
  const known = parse(read(cache));
  if (known !== undefined) return known;
  const measured = parse(execFileSync(program, { encoding: "utf8", timeout: LIMIT_MS }));
  if (measured !== undefined) keep(cache, measured);
  return measured;
}

function parse(text: string): number | undefined {
  const khz = Number(text.trim());
  return Number.isInteger(khz) && khz > 0 && khz <= 100_000_000 ? khz : undefined;
}

function keep(path: string, khz: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  // Others may be at it at the same time: each writes a file of its own, and all say the same.
  writeFileSync(`${path}.${process.pid}`, `${khz}\n`, { mode: 0o600 });
  renameSync(`${path}.${process.pid}`, path);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
