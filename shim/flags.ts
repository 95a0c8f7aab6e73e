/** What containerd says on the command line; see its runtime v2 documentation. */
export interface Invocation {
  readonly action: string;
  readonly id: string;
  readonly namespace: string;
  /** containerd's gRPC socket. */
  readonly address: string;
  readonly publishBinary: string;
  readonly bundle: string;
  readonly debug: boolean;
  readonly version: boolean;
  readonly info: boolean;
}

const STRINGS = ["id", "namespace", "address", "publish-binary", "bundle", "socket", "debug-socket"];
const BOOLEANS = ["debug", "v", "version", "info"];

/**
 * Parses flags as Go's flag package does: one dash or two, `-name value` or `-name=value`, up to the first word that is
 * no flag, which is the action. Throws an Error that names the flag.
 */
export function parseFlags(args: readonly string[]): Invocation {
  const values = new Map<string, string>();
  let at = 0;
  for (; at < args.length; at++) {
    const flag = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(args[at] ?? "");
    if (flag === null) break;
    const [, name = "", inline] = flag;
    if (BOOLEANS.includes(name)) {
      values.set(name, inline ?? "true");
    } else if (STRINGS.includes(name)) {
      const value = inline ?? args[++at];
      if (value === undefined) throw new Error(`flag -${name} needs a value`);
      values.set(name, value);
    } else {
      throw new Error(`unknown flag -${name}; containerd runs this program, see -v and -info`);
    }
  }
  const text = (name: string) => values.get(name) ?? "";
  const isSet = (name: string) => ["true", "1", "t", "T", "TRUE", "True"].includes(text(name));
  return {
    action: args[at] ?? "",
    id: text("id"),
    namespace: text("namespace"),
    address: text("address"),
    publishBinary: text("publish-binary"),
    bundle: text("bundle"),
    debug: isSet("debug"),
    version: isSet("v") || isSet("version"),
    info: isSet("info"),
  };
}
