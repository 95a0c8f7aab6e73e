/** Each comparison of this runtime with runc, by its name: output, streams, exit status, and nothing that remains. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Outcome, Shared } from "./differential/case.ts";
import { CAPABLE, LIMITED, ORDINARY_USER, PRIVILEGED } from "./differential/cases/configured.ts";
import { DEFAULT_FILES } from "./differential/cases/filesystem.ts";
import { KERNEL, LIMITS } from "./differential/cases/kernel.ts";
import { DEVICES, MOUNTED, READ_ONLY } from "./differential/cases/mounts.ts";
import { DEFAULT_CONTAINER } from "./differential/cases/process.ts";
import { DEFAULT_SECCOMP, SECCOMP } from "./differential/cases/seccomp.ts";
import { type Both, both, judge, runShared } from "./differential/compare.ts";
import { DIFFERENCES, type DifferenceName, difference } from "./differential/differences.ts";
import { useLab, VERSIONS } from "./harness/lab.ts";
import { repository } from "./harness/paths.ts";

const SHARED: Shared[] = [
  DEFAULT_CONTAINER,
  DEFAULT_FILES,
  ORDINARY_USER,
  LIMITED,
  CAPABLE,
  PRIVILEGED,
  MOUNTED,
  READ_ONLY,
  DEVICES,
  LIMITS,
  KERNEL,
  SECCOMP,
  DEFAULT_SECCOMP,
];

test("ARCHITECTURE.md names the differences, no more and no fewer", () => {
  const text = readFileSync(join(repository, "ARCHITECTURE.md"), "utf8");
  const [, section = ""] = /\n## What differs from runc\n([\s\S]*?)\n## /.exec(text) ?? [];
  const rows = [...section.matchAll(/^\| (.*?) *\| (.*?) *\|$/gm)].map(([, what, why]) => ({ what, why }));
  const [, , ...table] = rows;
  const named = Object.keys(DIFFERENCES).map((name) => difference(name as DifferenceName));
  expect(table).toEqual(named.map(({ what, why }) => ({ what, why })));
});

test("every difference is shown by a comparison, or a test of its own", () => {
  const shown = SHARED.flatMap(({ scripts }) => scripts.flatMap(({ differs }) => differs?.[0] ?? []));
  const names = Object.keys(DIFFERENCES) as DifferenceName[];
  expect(names.filter((name) => !shown.includes(name) && difference(name).test === undefined)).toEqual([]);
});

describe.each(VERSIONS)("containerd %s", (version) => {
  const lab = useLab(version);
  const here = ({ everywhere = false }) => everywhere || version === "2.4";

  for (const group of SHARED.filter(here)) {
    describe(group.name, () => {
      // The first comparison runs the containers, all of them judge.
      let outcomes: Promise<Both<Outcome[]>> | undefined;
      for (const [n, comparison] of group.scripts.entries()) {
        test(comparison.name, async () => {
          outcomes ??= both((name) => runShared(lab, group, name));
          const { theirs, ours } = await outcomes;
          judge(comparison, { theirs: at(theirs, n), ours: at(ours, n) });
        });
      }
    });
  }
});

function at(outcomes: readonly Outcome[], n: number): Outcome {
  const outcome = outcomes[n];
  if (outcome === undefined) throw new Error(`no outcome ${n}`);
  return outcome;
}
