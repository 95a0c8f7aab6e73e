import { expect, test } from "vitest";
import { parseFlags } from "./flags.ts";

test("flags come in any order, with one dash or two, apart or joined", () => {
  const flags = parseFlags(["-id", "c1", "--namespace=default", "-address", "/a.sock", "-debug", "start"]);
  expect(flags).toMatchObject({ id: "c1", namespace: "default", address: "/a.sock", debug: true, action: "start" });
});

test("-debug can be switched off, and the action ends the flags", () => {
  expect(parseFlags(["-debug=false", "delete", "-nonsense"])).toMatchObject({ debug: false, action: "delete" });
});

test("bad flags are named", () => {
  expect(() => parseFlags(["-nonsense"])).toThrow("unknown flag -nonsense");
  expect(() => parseFlags(["-id"])).toThrow("flag -id needs a value");
});

test.each([["-v"], ["-version"], ["--version"]])("%s asks for the version", (flag) => {
  expect(parseFlags([flag]).version).toBe(true);
});
