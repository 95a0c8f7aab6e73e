/** Without a call for so long a daemon has nothing to do, as a rule for hours. */
const IDLE_MS = 2_000;

/**
 * Gives back what the work so far has left on the heap, each time when nobody has called for a while: V8 would wait for
 * an occasion that an idle daemon never has. A quarter of its private memory.
 */
export class Rest {
  readonly #timer = setTimeout(collect, IDLE_MS).unref();

  /** There is something to do: begins to wait anew. */
  disturb(): void {
    this.#timer.refresh();
  }
}

function collect(): void {
  // Loaded when there is nothing else to do.
  process.getBuiltinModule("node:v8").setFlagsFromString("--expose-gc");
  const gc = process.getBuiltinModule("node:vm").runInNewContext("gc") as (options?: object) => void;
  gc({ type: "major", execution: "sync", flavor: "last-resort" });
}
