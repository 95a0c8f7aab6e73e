import type { Duplex } from "node:stream";
import { debugScope } from "../proto/debug.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";

const debug = debugScope("microvm-qmp");

/** A line of QMP is short; QEMU is not trusted with our memory once a guest may have taken it over. */
const MAX_LINE = 1024 * 1024;

interface Greeting {
  QMP: { version: { qemu: { major: number; minor: number } } };
}

/** What tells an event that somebody waits for. */
interface Awaited {
  readonly event: string;
  matches(data: Readonly<Record<string, unknown>>): boolean;
  resolve(data: Readonly<Record<string, unknown>>): void;
  reject(error: Error): void;
}

interface Message {
  QMP?: unknown;
  return?: unknown;
  error?: { desc?: string };
  event?: string;
  data?: Record<string, unknown>;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The QEMU Machine Protocol: JSON lines; answers come in order of the commands. */
export class Qmp {
  /** Major and minor version of QEMU, from its greeting. Rejects if the connection ends before. */
  readonly greeting: Promise<{ major: number; minor: number }>;
  readonly #socket: Duplex;
  readonly #pending: Pending[] = [];
  readonly #awaited = new Set<Awaited>();
  #buffer = "";
  #ended: Error | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
    const greeting = Promise.withResolvers<{ major: number; minor: number }>();
    this.#pending.push({
      resolve: (value) => greeting.resolve((value as Greeting).QMP.version.qemu),
      reject: greeting.reject,
    });
    this.greeting = greeting.promise;
    this.greeting.catch(() => {});
    socket.on("data", (chunk: Buffer) => this.#consume(chunk.toString("utf8")));
    for (const end of ["end", "close"])
      socket.once(end, () => this.#end(new RpcError(Code.Unavailable, "QEMU closed its monitor")));
    socket.on("error", (cause: Error) => this.#end(new RpcError(Code.Unavailable, cause.message, { cause })));
  }

  /** Runs one command. Rejects with QEMU's own description of what went wrong. */
  execute(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended);
    const line = JSON.stringify({ execute: command, arguments: args });
    debug("> %s", line);
    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve, reject });
      this.#socket.write(`${line}\n`);
    });
  }

  /** Resolves with the data of the next such event. Rejects if the connection ends before. */
  next(event: string, matches: Awaited["matches"] = () => true): Promise<Readonly<Record<string, unknown>>> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => this.#awaited.add({ event, matches, resolve, reject }));
  }

  close(): void {
    this.#socket.destroy();
  }

  #consume(text: string): void {
    const lines = `${this.#buffer}${text}`.split("\n");
    this.#buffer = lines.pop() ?? "";
    if (this.#buffer.length > MAX_LINE) return void this.#socket.destroy(new Error("QMP line too long"));
    for (const line of lines) {
      debug("< %s", line);
      try {
        this.#message(JSON.parse(line));
      } catch (error) {
        this.#socket.destroy(new Error("QMP: no JSON", { cause: error }));
        return;
      }
    }
  }

  #message(message: Message): void {
    if (message.event !== undefined) {
      this.#event(message.event, message.data ?? {});
      return;
    }
    const pending = this.#pending.shift();
    if (message.error !== undefined) pending?.reject(new Error(`QEMU: ${message.error.desc ?? "error"}`));
    else pending?.resolve(message.QMP !== undefined ? message : message.return);
  }

  #event(event: string, data: Readonly<Record<string, unknown>>): void {
    for (const awaited of this.#awaited) {
      if (awaited.event !== event || !awaited.matches(data)) continue;
      this.#awaited.delete(awaited);
      awaited.resolve(data);
    }
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    for (const awaited of this.#awaited) awaited.reject(error);
    this.#awaited.clear();
    for (const pending of this.#pending.splice(0)) pending.reject(error);
  }
}
