import { setTimeout as delay } from "node:timers/promises";
import { type Envelope, type EventType, forward, packEvent, topics } from "../proto/containerd/events.ts";
import { timestamp } from "../proto/containerd/timestamp.ts";
import type { TtrpcClient } from "../proto/ttrpc/client.ts";
import type { Codec } from "../proto/ttrpc/codec.ts";
import { settledWithin } from "./deadline.ts";
import { dial } from "./dial.ts";
import type { Log } from "./log.ts";

const CALL_LIMIT_MS = 5_000;
/** Delays between tries while containerd is away; the last one repeats. */
const RETRY_MS = [50, 100, 200, 500, 1_000, 2_000];
/** More than any burst; beyond it the oldest would be stale anyway. */
const MAX_QUEUED = 4_096;

/**
 * Sends events to containerd, each once and in order: one is under way at a time, and the next waits for it. While
 * containerd is down they are kept and tried again.
 */
export class EventPublisher {
  readonly #address: string;
  readonly #namespace: string;
  readonly #log: Log;
  #client: TtrpcClient | undefined;
  #tail: Promise<void> = Promise.resolve();
  #queued = 0;
  #givenUp = false;

  /** `address`: path of containerd's ttrpc socket; empty publishes nothing. */
  constructor(address: string, namespace: string, log: Log) {
    this.#address = address.replace(/^unix:\/\//, "");
    this.#namespace = namespace;
    this.#log = log;
  }

  publish<Fields extends object>(type: EventType, codec: Codec<Fields>, message: Fields): void {
    if (this.#address === "") return;
    if (this.#queued >= MAX_QUEUED) {
      this.#log.write("error", `event ${type} dropped: too many wait`);
      return;
    }
    const envelope: Envelope = {
      timestamp: timestamp(new Date()),
      namespace: this.#namespace,
      topic: topics[type],
      event: packEvent(type, codec, message),
    };
    this.#queued++;
    this.#tail = this.#tail.then(async () => {
      await this.#deliver(type, envelope);
      this.#queued--;
    });
  }

  /** Waits until all events are sent, at most `limitMs`. */
  async flush(limitMs: number): Promise<void> {
    await settledWithin(this.#tail, limitMs);
    this.#givenUp = true;
    this.#client?.close();
  }

  async #deliver(type: EventType, envelope: Envelope): Promise<void> {
    for (let attempt = 0; !this.#givenUp; attempt++) {
      try {
        this.#client ??= await dial(this.#address);
        await this.#client.call(forward, { envelope }, { timeoutMs: CALL_LIMIT_MS });
        return;
      } catch (error) {
        this.#client?.close();
        this.#client = undefined;
        this.#log.write("debug", `event ${type} not sent yet: ${(error as Error).message}`);
        await delay(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)], undefined, { ref: false });
      }
    }
  }
}
