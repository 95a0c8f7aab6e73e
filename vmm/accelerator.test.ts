import { expect, test } from "vitest";
import { chooseAccelerator } from "./accelerator.ts";

const INTEL = "processor\t: 0\nflags\t\t: fpu vme vmx sse2\n";
const AMD = "processor\t: 0\nflags\t\t: fpu vme svm\n";
const NEITHER = "processor\t: 0\nflags\t\t: fpu vmxoff xsvm sse2\n";

test.each([
  ["auto", true, INTEL, "kvm"],
  ["auto", true, AMD, "kvm"],
  ["auto", true, NEITHER, "tcg"],
  ["auto", false, INTEL, "tcg"],
  ["kvm", false, NEITHER, "kvm"],
  ["tcg", true, INTEL, "tcg"],
] as const)("%s, /dev/kvm writable %s, %j: %s", (wanted, writable, cpuinfo, expected) => {
  expect(chooseAccelerator(wanted, { kvmWritable: () => writable, cpuinfo: () => cpuinfo })).toBe(expected);
});
