import { expect, test } from "vitest";
import { Code } from "../proto/ttrpc/code.ts";
import { jsonObject } from "./json-object.ts";

test("an object is given as it is", () => {
  expect(jsonObject(Buffer.from('{"a": [1]}'), "it")).toEqual({ a: [1] });
});

test.each(["", "{", "null", "[]", "1", '"text"'])("%j is refused by name", (text) => {
  const refused = () => jsonObject(Buffer.from(text), "the process to exec");
  expect(refused).toThrow(/^the process to exec: /);
  expect(refused).toThrow(expect.objectContaining({ code: Code.InvalidArgument }));
});
