import { tool } from "./tool.ts";

const LIMIT_MS = 5_000;

/** An interface of a network namespace, and the tap device of the VM that takes its packets. */
export interface Pair {
  readonly ifname: string;
  readonly tap: string;
  /** Of the interface, in bytes. */
  readonly mtu: number;
}

/**
 * Every packet that one of a pair gets leaves by the other, before the namespace's own IP sees it. `namespace`: path of
 * a network namespace. Rejects with the tool's own words.
 */
export async function couple(namespace: string, pairs: readonly Pair[]): Promise<void> {
  if (pairs.length === 0) return;
  // With an address of its own the tap would speak to the guest.
  const links = pairs.map(({ tap, mtu }) => `link set dev ${tap} addrgenmode none mtu ${mtu} up`);
  const filters = pairs.flatMap(({ ifname, tap }) => [...redirect(ifname, tap), ...redirect(tap, ifname)]);
  await batch(namespace, "ip", links);
  await batch(namespace, "tc", filters);
}

function redirect(from: string, to: string): string[] {
  return [
    `qdisc replace dev ${from} ingress`,
    `filter replace dev ${from} parent ffff: protocol all pref 1 handle 800::800 u32 match u32 0 0 action mirred egress redirect dev ${to}`,
  ];
}

/** Gives the interfaces back to the namespace's own IP. What is gone is no error: with a namespace go its filters. */
export async function decouple(namespace: string, interfaces: readonly string[]): Promise<void> {
  if (interfaces.length === 0) return;
  await batch(
    namespace,
    "tc",
    interfaces.map((name) => `qdisc delete dev ${name} ingress`),
    ["-force"],
  ).catch(() => {});
}

async function batch(
  namespace: string,
  program: string,
  lines: readonly string[],
  flags: readonly string[] = [],
): Promise<void> {
  const args = [`--net=${namespace}`, "--", program, ...flags, "-batch", "-"];
  await tool("nsenter", args, { timeoutMs: LIMIT_MS, input: `${lines.join("\n")}\n` }).catch((error: Error) => {
    throw new Error(`cannot couple the network namespace's interfaces to the VM: ${error.message}`, { cause: error });
  });
}
