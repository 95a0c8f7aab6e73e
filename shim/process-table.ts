import { guest } from "../proto/guest/methods.ts";
import { Serial } from "../vmm/serial.ts";
import type { StandIn } from "../vmm/stand-in.ts";
import type { Container } from "./container.ts";

/** A client gives up on Pids after some seconds; the guest answers in milliseconds. */
const LIMIT_MS = 1_000;
/** Stand-ins cost memory of the host, and the guest decides how many processes it has. */
const MAX_STAND_INS = 1_024;

/** One process of a container as a client sees it; `execId` is empty for all but the execs. */
export interface ProcessEntry {
  readonly pid: number;
  readonly execId: string;
}

/**
 * The processes of one container that no client started, each with its stand-in on the host. They are looked at only
 * when a client asks.
 */
export class ProcessTable {
  /** By the pid in the guest. */
  readonly #others = new Map<number, StandIn>();
  readonly #lists = new Serial();

  /** The init first, always, then the rest as the guest tells them: without its answer, as they are known. */
  list(container: Container): Promise<ProcessEntry[]> {
    return this.#lists.run(() => this.#list(container));
  }

  async #list(container: Container): Promise<ProcessEntry[]> {
    const { init, execs, sandbox, id } = container;
    if (!init.isEnding)
      await this.#refresh(container).catch((error: Error) => {
        sandbox.log.write("warning", `the guest does not tell its processes: ${error.message}`, { id });
      });
    const running = [...execs.values()].filter(({ isRunning }) => isRunning);
    return [
      { pid: init.pid, execId: "" },
      ...running.map(({ pid, execId }) => ({ pid, execId })),
      ...[...this.#others.values()].map(({ pid }) => ({ pid, execId: "" })),
    ];
  }

  async #refresh(container: Container): Promise<void> {
    const { sandbox, id, init, execs } = container;
    const onSignal = (signal: number) =>
      sandbox.log.write("debug", `signal ${signal} to a process that no client started`, { id });
    const { processes } = await sandbox.call(guest.pids, { containerId: id }, { timeoutMs: LIMIT_MS });
    const seen = new Set<number>();
    for (const { pid, execId, uid, command } of processes.slice(0, MAX_STAND_INS)) {
      const argv = Buffer.from(command).toString("utf8").replace(/\0$/, "").split("\0");
      const known = pid === init.guestPid ? init : execs.get(execId);
      if (known === undefined) seen.add(pid);
      const standIn = known === undefined ? this.#others.get(pid) : known.standIn;
      if (standIn !== undefined) standIn.rename(argv);
      else if (known === undefined) this.#others.set(pid, await sandbox.standIn(id, { uid, argv, onSignal }));
    }
    const gone = [...this.#others].filter(([pid]) => !seen.has(pid));
    for (const [pid] of gone) this.#others.delete(pid);
    await Promise.all(gone.map(([, standIn]) => standIn.end()));
  }

  /** The container has ended. */
  async close(): Promise<void> {
    await this.#lists.settled();
    for (const standIn of this.#others.values()) void standIn.end();
    this.#others.clear();
  }
}
