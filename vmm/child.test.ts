import { expect, test } from "vitest";
import { Child, confinedArgv, describeExit, processStartTime } from "./child.ts";

test("a confined program has no capability, another user, and dies with its parent", () => {
  expect(confinedArgv("/bin/q", ["-x"], { network: { kind: "path", path: "/run/netns/a" }, uid: 7 })).toEqual(
    [
      "nsenter",
      "--net=/run/netns/a",
      "--",
      "setpriv",
      "--reuid=7",
      "--regid=7",
      "--clear-groups",
      "--inh-caps=-all",
    ].concat(["--bounding-set=-all", "--no-new-privs", "--pdeathsig=KILL", "--", "/bin/q", "-x"]),
  );
});

test("exits are told once, with their status or signal", async () => {
  const seven = await Child.spawn(["sh", "-c", "exit 7"], "ignore");
  expect(describeExit(await seven.exited)).toBe("exit status 7");
  const sleeper = await Child.spawn(["sleep", "60"], "ignore");
  expect(sleeper.startTime).toBe(processStartTime(sleeper.pid));
  expect(describeExit(await sleeper.kill())).toBe("SIGKILL");
  expect(await sleeper.kill()).toEqual(await sleeper.exited);
});

test("a program that is not there is an error that names it", async () => {
  await expect(Child.spawn(["/nonexistent/program"], "ignore")).rejects.toThrow("cannot start /nonexistent/program");
});
