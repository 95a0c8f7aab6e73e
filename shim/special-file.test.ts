import { type BigIntStats, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { guestDevice, hostOnly } from "./special-file.ts";

const what = (path: string) => hostOnly(statSync(path, { bigint: true }));
const device = (rdev: bigint) => guestDevice({ isCharacterDevice: () => true, rdev } as unknown as BigIntStats);

test("files and directories can be mounted, and devices that every kernel has are the guest's", () => {
  for (const path of ["/", "/etc/passwd"]) expect(what(path)).toBeUndefined();
  for (const path of ["/dev/null", "/dev/urandom", "/dev/tty"])
    expect(guestDevice(statSync(path, { bigint: true }))).toBe(path);
});

test("a socket is the host's alone", async () => {
  const path = join(tmpdir(), `special-${process.pid}.sock`);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  expect(what(path)).toBe("a unix socket");
  await new Promise((resolve) => server.close(resolve));
});

test("device numbers are taken apart as the C library does", () => {
  expect(device(0x1_03n)).toBe("/dev/null");
  expect(device(0xa_e5n)).toBe("/dev/fuse");
  // 10:232, /dev/kvm, and 1:259, whose minor has more than 8 bits.
  expect(device(0xa_e8n)).toBeUndefined();
  expect(device((1n << 20n) | 0x1_03n)).toBeUndefined();
});
