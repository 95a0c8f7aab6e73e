import { Code, codeName } from "./code.ts";

/** A failed call: what a handler throws to choose the status, and what a client's call rejects with. */
export class RpcError extends Error {
  override readonly name: string = "RpcError";
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Turns anything thrown into an RpcError; what carries no code becomes Unknown, as in Go's ttrpc. */
  static from(thrown: unknown): RpcError {
    if (thrown instanceof RpcError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new RpcError(Code.Unknown, message, { cause: thrown });
  }

  override toString(): string {
    return `${codeName(this.code)}: ${this.message}`;
  }
}
