import { expect, test } from "vitest";
import { addressBytes, macBytes, prefix } from "./network-address.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test.each([
  ["10.4.0.255", "0a0400ff"],
  ["::", "00".repeat(16)],
  ["::1", `${"00".repeat(15)}01`],
  ["fe80::1:2", "fe80000000000000000000000001" + "0002"],
  ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ["2001:db8::", `20010db8${"00".repeat(12)}`],
  ["::ffff:10.1.2.3", `${"00".repeat(10)}ffff0a010203`],
])("%s", (text, bytes) => {
  expect(hex(addressBytes(text))).toBe(bytes);
});

test.each(["", "10.4.0", "10.4.0.256", "g::", "1::2::3", "fe80::1%eth0", "default"])("%j is no address", (text) => {
  expect(() => addressBytes(text)).toThrow("no IP address");
});

test("a prefix has its length, or that of its address", () => {
  expect(prefix("10.4.0.0/24")).toEqual({ address: Uint8Array.of(10, 4, 0, 0), length: 24 });
  expect(prefix("10.4.0.7").length).toBe(32);
  expect(prefix("fd00::1").length).toBe(128);
  for (const wrong of ["10.4.0.0/33", "10.4.0.0/-1", "10.4.0.0/x"]) expect(() => prefix(wrong)).toThrow("no prefix");
});

test("an Ethernet address has six bytes", () => {
  expect(hex(macBytes("02:6d:76:6D:00:ff"))).toBe("026d766d00ff");
  for (const wrong of ["", "02:6d:76:6d:00", "02:6d:76:6d:00:00:00", "zz:6d:76:6d:00:00"])
    expect(() => macBytes(wrong)).toThrow("no Ethernet address");
});
