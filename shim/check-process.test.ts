import { expect, test } from "vitest";
import { checkProcess } from "./check-process.ts";

test.each([
  [undefined, "process property must not be empty"],
  [{ args: ["true"] }, "Cwd property must not be empty"],
  [{ args: ["true"], cwd: "tmp" }, "Cwd must be an absolute path"],
  [{ args: [], cwd: "/" }, "args must not be empty"],
  [{ cwd: "/" }, "args must not be empty"],
])("%j is refused in runc's words", (process, message) => {
  expect(() => checkProcess(process)).toThrow(message);
});

test("what can be run is let through", () => {
  expect(() => checkProcess({ args: ["true"], cwd: "/" })).not.toThrow();
});
