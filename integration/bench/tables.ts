/** What was measured, for people. */
import type { Memory } from "./memory.ts";
import type { Phases } from "./phases.ts";
import { NAMES, type Name } from "./runtimes.ts";
import type { Share } from "./share.ts";
import type { Times } from "./times.ts";

export interface Measured {
  readonly title: string;
  /** That flow in a run; 0 where only time counts. */
  readonly bytes: number;
  readonly times: Record<Name, Times>;
}

export function table(rows: readonly (readonly (string | number)[])[]): string {
  const line = ([first = "", ...rest]: readonly (string | number)[]) =>
    String(first).padEnd(50) + rest.map((cell) => String(cell).padStart(10)).join("");
  return `${rows.map(line).join("\n")}\n`;
}

export function timeTable(measured: readonly Measured[]): string {
  const ms = ({ median, min, max }: Times) => [median, min, max].map((value) => value.toFixed(0));
  const rate = (bytes: number, { median }: Times) => (bytes === 0 ? "" : (bytes / 1e3 / median).toFixed(0));
  const rows = measured.flatMap(({ title, bytes, times }) =>
    NAMES.map((name) => [
      `${title}: ${name}`,
      ...ms(times[name]),
      (times[name].median / times.runc.median).toFixed(1),
      rate(bytes, times[name]),
    ]),
  );
  return table([["ms", "median", "min", "max", "ratio", "MB/s"], ...rows]);
}

export function memoryTable(memory: Record<Name, Memory[]>): string {
  const mib = (kib: number) => (kib / 1024).toFixed(1);
  const rows = NAMES.flatMap((name) => {
    const total = memory[name].reduce((sum, { privateKiB }) => sum + privateKiB, 0);
    return [
      ...memory[name].map((each) => [`${name}: ${each.process}`, mib(each.pssKiB), mib(each.privateKiB)]),
      [`${name}: together`, "", mib(total)],
    ];
  });
  return table([["a second idle container, MiB", "PSS", "private"], ...rows]);
}

/** Phases overlap: they are no sum. */
export function phaseTable({ total, guest, phases }: Phases): string {
  const row = (title: string, { median, min, max }: Times) => [title, ...[median, min, max].map((ms) => ms.toFixed(1))];
  const rows = Object.entries(phases).map(([name, times]) => row(name, times));
  return table([
    ["one start of microvm, ms", "median", "min", "max"],
    row("ctr run --rm IMAGE ID true, traced", total),
    row("of which the guest's processor ran", guest),
    ...rows,
  ]);
}

export function shareTable(shares: readonly Share[]): string {
  const rows = shares.map(({ title, runc, microvm, guest, rest }) => [
    title,
    ...[runc, microvm, guest, rest].map(({ median }) => median.toFixed(0)),
    (rest.median / runc.median).toFixed(1),
  ]);
  return table([["medians with the trace, ms", "runc", "microvm", "guest", "rest", "rest/runc"], ...rows]);
}
