/** One file after the other in one process: each has containerds of its own, and a VM wants the whole machine. */
import { defineConfig } from "vitest/config";

const minutes = 60_000;

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["*.test.ts", "harness/*.test.ts"],
    globalSetup: ["harness/global-setup.ts"],
    pool: "forks",
    fileParallelism: false,
    retry: 0,
    // Bounds for what hangs, never waited for by what works.
    testTimeout: 2 * minutes,
    hookTimeout: 2 * minutes,
    teardownTimeout: 10_000,
  },
});
