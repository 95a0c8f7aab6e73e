/** What README tells a stranger to type. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { must, run } from "./harness/command.ts";
import { Containerd } from "./harness/containerd.ts";
import { IMAGE, makeImage } from "./harness/image.ts";
import { microvm, repository } from "./harness/paths.ts";
import { nothingRemains, takeStock } from "./harness/remains.ts";

test("the demo shows a container in a microvm and leaves nothing", async () => {
  const before = takeStock();
  const { code, stdout, stderr } = await run([process.execPath, join(repository, "integration/demo.ts")]);
  expect({ code, stderr: stderr.toString() }).toMatchObject({ code: 0 });
  expect(stdout.toString()).toContain("-microvm");
  await nothingRemains(before);
});

test("what make install puts in place finds its parts", async () => {
  const target = mkdtempSync(join(tmpdir(), "install-"));
  await must(["make", "-C", repository, "install", `DESTDIR=${target}`, "PREFIX=/usr"]);
  const containerd = await Containerd.start("1.6", "", join(target, "usr/bin"));
  try {
    const archive = join(containerd.directory, "image.tar");
    makeImage(archive, IMAGE);
    await containerd.mustCtr(["image", "import", archive]);
    const { stdout } = await containerd.mustCtr([
      "run",
      "--rm",
      "--runtime",
      microvm,
      IMAGE,
      "installed",
      "uname",
      "-r",
    ]);
    expect(stdout.toString()).toMatch(/-microvm\n$/);
  } finally {
    await containerd.stop();
    rmSync(target, { recursive: true });
  }
});
