/** Without a call for so long a daemon has nothing to do, as a rule for hours. */
const IDLE_MS = 2_000;
/** Longer than between two health checks of a client, or two looks at the statistics. */
const LONG_IDLE_MS = 60_000;

/** V8 ages code by its collections, and forgets none younger than this. Its default. */
const CODE_AGE = 6;

/**
 * Gives back what the work so far has left on the heap, each time when nobody has called for a while: V8 would wait for
 * an occasion that an idle daemon never has. A quarter of its private memory. After a longer while code goes, too, which
 * is another half megabyte: what comes next compiles what it needs, an exec in some 25 ms.
 */
export class Rest {
  readonly #timers = [setTimeout(collect, IDLE_MS), setTimeout(collectCode, LONG_IDLE_MS)].map((timer) =>
    timer.unref(),
  );

  /** There is something to do: begins to wait anew. */
  disturb(): void {
    for (const timer of this.#timers) timer.refresh();
  }
}

/** All code but what runs just now is as old as need be. */
function collectCode(): void {
  setFlags("--bytecode-old-age=0", "--compact-on-every-full-gc");
  collect();
  setFlags(`--bytecode-old-age=${CODE_AGE}`, "--no-compact-on-every-full-gc");
}

function collect(): void {
  setFlags("--expose-gc");
  const gc = process.getBuiltinModule("node:vm").runInNewContext("gc") as (options?: object) => void;
  gc({ type: "major", execution: "sync", flavor: "last-resort" });
}

/** Loaded when there is nothing else to do. */
function setFlags(...flags: string[]): void {
  for (const flag of flags) process.getBuiltinModule("node:v8").setFlagsFromString(flag);
}
