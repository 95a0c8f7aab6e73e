import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";

/** Where a standard stream leads. Paths are absolute. */
export type Target =
  | { readonly scheme: "fifo"; readonly path: string }
  | { readonly scheme: "file"; readonly path: string }
  | BinaryTarget;

export interface BinaryTarget {
  readonly scheme: "binary";
  readonly path: string;
  readonly args: readonly string[];
  /** It must say that it is ready by a byte: `binary-v2`. Otherwise closing the pipe says so, too. */
  readonly saysReady: boolean;
}

/**
 * What a client gives for an output: a plain path of a fifo, or a URI, read as containerd's runc shim does with Go's
 * net/url. Undefined for no stream. Throws InvalidArgument, or Unimplemented for a scheme that is none of ours.
 */
export function outputTarget(uri: string): Target | undefined {
  if (uri === "") return undefined;
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(uri)?.[1];
  // A plain path is taken as it is: nothing in it is decoded.
  if (scheme === undefined) return { scheme: "fifo", path: checkPath(uri, uri) };
  const [beforeQuery, query] = cut(cut(uri.slice(scheme.length + 1), "#")[0], "?");
  const path = () => checkPath(decode(pathOf(beforeQuery, uri), uri), uri);
  switch (scheme.toLowerCase()) {
    case "fifo":
      return { scheme: "fifo", path: path() };
    case "file":
      return { scheme: "file", path: path() };
    case "binary":
      return { scheme: "binary", path: path(), args: argsOf(query, uri), saysReady: false };
    case "binary-v2":
      return { scheme: "binary", path: path(), args: argsOf(query, uri), saysReady: true };
    default:
      throw new RpcError(
        Code.Unimplemented,
        `${scheme}:// is not supported for standard streams: give a fifo, file:// or binary://`,
      );
  }
}

/** The path of the fifo that is a standard input. Undefined for none; throws as `outputTarget` does. */
export function inputPath(uri: string): string | undefined {
  const target = outputTarget(uri);
  if (target === undefined || target.scheme === "fifo") return target?.path;
  throw new RpcError(Code.Unimplemented, `${target.scheme}:// is not supported for standard input, only a fifo is`);
}

function pathOf(text: string, uri: string): string {
  if (!text.startsWith("//")) return text;
  const slash = text.indexOf("/", 2);
  const host = text.slice(2, slash < 0 ? undefined : slash);
  // Go takes the first part of a path that lacks its third slash for a host, and drops it.
  if (host !== "") throw invalid(uri, `"${host}" is a host; a path begins with a third slash`);
  return slash < 0 ? "" : text.slice(slash);
}

/** The arguments of a binary: each key, then its first value. */
function argsOf(query: string, uri: string): string[] {
  const args = new Map<string, string>();
  for (const part of query.split("&").filter((each) => each !== "")) {
    if (part.includes(";")) throw invalid(uri, "an unescaped semicolon in the query");
    const [key, value] = cut(part, "=").map((text) => decode(text.replaceAll("+", " "), uri)) as [string, string];
    if (!args.has(key)) args.set(key, value);
  }
  return [...args].flat();
}

/** What is before the first `separator`, and what is after it. */
function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(text: string, uri: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    throw invalid(uri, "a bad percent-encoding");
  }
  if (decoded.includes("\0")) throw invalid(uri, "a zero byte");
  return decoded;
}

function checkPath(path: string, uri: string): string {
  if (!path.startsWith("/")) throw invalid(uri, "not an absolute path");
  if (path.includes("\0")) throw invalid(uri, "a zero byte");
  return path;
}

function invalid(uri: string, reason: string): RpcError {
  return new RpcError(Code.InvalidArgument, `standard stream ${JSON.stringify(uri)}: ${reason}`);
}
