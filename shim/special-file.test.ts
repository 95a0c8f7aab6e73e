import { type BigIntStats, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hostOnly } from "./special-file.ts";

const what = (path: string) => hostOnly(statSync(path, { bigint: true }));
const device = (rdev: bigint) =>
  hostOnly({
    ...{ isSocket: () => false, isFIFO: () => false, isBlockDevice: () => false, isCharacterDevice: () => true },
    rdev,
  } as unknown as BigIntStats);

test("files, directories and devices that every kernel has can be mounted", () => {
  for (const path of ["/", "/etc/passwd", "/dev/null", "/dev/urandom", "/dev/tty"]) expect(what(path)).toBeUndefined();
});

test("a socket is the host's alone", async () => {
  const path = join(tmpdir(), `special-${process.pid}.sock`);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  expect(what(path)).toBe("a unix socket");
  await new Promise((resolve) => server.close(resolve));
});

test("device numbers are taken apart as the C library does", () => {
  expect(device(0x1_03n)).toBeUndefined();
  // 10:232, /dev/kvm, and 1:259, whose minor has more than 8 bits.
  expect(device(0xa_e8n)).toBe("a device");
  expect(device((1n << 20n) | 0x1_03n)).toBe("a device");
});
