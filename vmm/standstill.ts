import { guest } from "../proto/guest/methods.ts";
import type { TtrpcClient } from "../proto/ttrpc/client.ts";
import type { Qmp } from "./qmp.ts";
import { Serial } from "./serial.ts";

/**
 * Lets a VM stand still and go on. Calls to the guest may come meanwhile: for them the VM wakes for a moment, which no
 * container notices whose processes are frozen in the guest.
 */
export class Standstill {
  readonly #qmp: Pick<Qmp, "execute">;
  readonly #guest: Pick<TtrpcClient, "call">;
  #wanted = false;
  #calls = 0;
  #still = false;
  readonly #changes = new Serial();

  constructor(qmp: Pick<Qmp, "execute">, client: Pick<TtrpcClient, "call">) {
    this.#qmp = qmp;
    this.#guest = client;
  }

  /** Stops the virtual processors. Twice is once. Rejects if QEMU refuses. */
  stop(): Promise<void> {
    this.#wanted = true;
    return this.#settle();
  }

  /** Lets them go on, with the clock right before anything else happens in the guest. */
  resume(): Promise<void> {
    this.#wanted = false;
    return this.#settle();
  }

  /** Runs `work` while the VM is awake. */
  async awake<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#calls++;
    try {
      await this.#settle();
      return await work();
    } finally {
      this.#calls--;
      // A VM that cannot be stopped again is gone, and that is told elsewhere.
      void this.#settle().catch(() => {});
    }
  }

  #settle(): Promise<void> {
    return this.#changes.run(async () => {
      const still = this.#wanted && this.#calls === 0;
      if (still === this.#still) return;
      await this.#qmp.execute(still ? "stop" : "cont");
      this.#still = still;
      if (!still) await setGuestClock(this.#guest);
    });
  }
}

/** Sets the guest's wall clock to the host's. */
export function setGuestClock(client: Pick<TtrpcClient, "call">): Promise<unknown> {
  return client.call(guest.setClock, { clockNs: Date.now() * 1e6 });
}
