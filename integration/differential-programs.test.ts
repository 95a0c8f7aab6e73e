/** Programs with a container of their own, and what is refused: each beside runc, by its name. */
import { describe, test } from "vitest";
import type { Single } from "./differential/case.ts";
import { ERRORS, HARMLESS } from "./differential/cases/errors.ts";
import { PROGRAMS } from "./differential/cases/programs.ts";
import { both, judge, runSingle } from "./differential/compare.ts";
import { usePods } from "./differential/pod.ts";
import { useLab } from "./harness/lab.ts";

const SINGLES: readonly Single[] = [...PROGRAMS, ...ERRORS, ...HARMLESS];

// In one VM: a container that is there already spares each of these a boot.
describe("a pod", () => {
  const lab = useLab("2.4");
  const pods = usePods(lab);
  for (const single of SINGLES) {
    test(single.name, async () => judge(single, await both((name) => runSingle(lab, single, name, pods(name)))));
  }
});
