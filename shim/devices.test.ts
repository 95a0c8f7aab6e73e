import { expect, test } from "vitest";
import { Code } from "../proto/ttrpc/code.ts";
import type { Spec } from "./bundle.ts";
import { type Device, guestDevices } from "./devices.ts";

const TUN = { path: "/dev/net/tun", type: "c", major: 10, minor: 200 };
const DISK = { path: "/dev/sda", type: "b", major: 8, minor: 0 };

const spec = (devices: Device[], rule?: object): Spec => ({
  linux: { devices, resources: { devices: [{ allow: false, access: "rwm" }, ...(rule ? [rule] : [])] } },
});

test("what the guest's kernel has under the same numbers stays, and so does a pipe", () => {
  const pipe = { path: "/dev/pipe", type: "p" };
  expect(guestDevices(spec([TUN, pipe]))).toEqual({ devices: [TUN, pipe], dropped: [] });
});

test.each([
  DISK,
  { path: "/dev/kvm", type: "c", major: 10, minor: 232 },
  // The numbers of a character device do not make a block device.
  { path: "/dev/x", type: "b", major: 1, minor: 3 },
])("$path is refused with its name and numbers", (device) => {
  const rule = { allow: true, type: device.type, major: device.major, minor: device.minor, access: "rwm" };
  const refused = () => guestDevices(spec([device], rule));
  expect(refused).toThrow(`device ${device.path} (${device.type} ${device.major}:${device.minor}) is the host's`);
  expect(refused).toThrow(expect.objectContaining({ code: Code.InvalidArgument }));
});

test("a privileged container goes without the host's devices", () => {
  const allowAll = { allow: true, access: "rwm" };
  expect(guestDevices(spec([TUN, DISK], allowAll))).toEqual({ devices: [TUN], dropped: ["/dev/sda"] });
  expect(guestDevices(spec([DISK], { allow: true, type: "a", major: -1, minor: -1 })).dropped).toEqual(["/dev/sda"]);
});

test("no devices are none", () => {
  expect(guestDevices({})).toEqual({ devices: [], dropped: [] });
});
