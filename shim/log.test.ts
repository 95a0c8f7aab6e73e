import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Log } from "./log.ts";

/** A bundle with a log that somebody reads, as containerd does. */
function listen(debug: boolean): { log: Log; read(): string; hangUp(): void } {
  const bundle = mkdtempSync(join(tmpdir(), "log-"));
  execFileSync("mkfifo", [join(bundle, "log")]);
  const fd = openSync(join(bundle, "log"), constants.O_RDONLY | constants.O_NONBLOCK);
  const bytes = Buffer.alloc(1 << 20);
  return {
    log: new Log(bundle, debug),
    read: () => bytes.toString("utf8", 0, readSync(fd, bytes)),
    hangUp: () => closeSync(fd),
  };
}

test("lines are logrus's, with fields", () => {
  const { log, read } = listen(false);
  log.write("warning", 'a "b"\nc', { id: "c1", t_boot: 3 });
  expect(read()).toMatch(/^time="[-0-9T:.]+Z" level=warning msg="a \\"b\\"\\nc" runtime=microvm id=c1 t_boot=3\n$/);
});

test("debug lines are left out unless containerd asks, scopes that were turned on are not", () => {
  const quiet = listen(false);
  quiet.log.write("debug", "x");
  quiet.log.trace("microvm-qmp", "y");
  expect(quiet.read()).toMatch(/^time=\S+ level=debug msg=y runtime=microvm scope=microvm-qmp\n$/);
  const verbose = listen(true);
  verbose.log.write("debug", "x");
  expect(verbose.read()).toContain("msg=x");
});

test.each(["a", "é", "\n", '"', "\u0001"])("a line of many %j is shortened to what a pipe takes whole", (letter) => {
  const { log, read } = listen(false);
  log.write("info", `${letter} `.repeat(10_000), { id: "c1" });
  const line = read();
  expect(Buffer.byteLength(line)).toBeLessThanOrEqual(4096);
  const [, quoted = ""] = /msg=(".*") runtime=microvm id=c1\n$/.exec(line) ?? [];
  expect(JSON.parse(quoted)).toMatch(/\.\.\.$/);
});

test("a reader that is slow or gone costs lines, nothing else", () => {
  const { log, read, hangUp } = listen(false);
  for (let n = 0; n < 1000; n++) log.write("info", "x".repeat(1000));
  expect(read().split("\n").slice(0, -1)).toSatisfy((lines: string[]) =>
    lines.every((line) => line.startsWith("time=") && line.endsWith("runtime=microvm")),
  );
  hangUp();
  log.write("info", "nobody");
});
