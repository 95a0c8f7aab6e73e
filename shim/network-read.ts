import { tool } from "./tool.ts";

const LIMIT_MS = 5_000;

/** The fields used of what `ip -json -N` prints; numbers of tables, scopes and the like come as strings. */
export interface IpLink {
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly link_type: string;
  readonly address?: string;
  readonly addr_info?: readonly IpAddress[];
}

export interface IpAddress {
  readonly family: string;
  readonly local: string;
  readonly address?: string;
  readonly prefixlen: number;
  readonly broadcast?: string;
  readonly scope?: string;
}

export interface IpRoute {
  readonly dst: string;
  readonly type?: string;
  readonly gateway?: string;
  readonly dev?: string;
  readonly prefsrc?: string;
  readonly metric?: number;
  readonly table?: string;
  readonly scope?: string;
  readonly protocol?: string;
  readonly flags?: readonly string[];
  readonly metrics?: readonly { readonly mtu?: number }[];
}

export interface IpRule {
  readonly priority: number;
  readonly src?: string;
  readonly srclen?: number;
  readonly dst?: string;
  readonly dstlen?: number;
  readonly table?: string;
  readonly action?: string;
  readonly fwmark?: string;
  readonly fwmask?: string;
  readonly iif?: string;
  readonly oif?: string;
}

export interface IpNeighbour {
  readonly dst: string;
  readonly dev: string;
  readonly lladdr?: string;
  readonly state?: readonly string[];
  readonly proxy?: unknown;
}

/** Everything that a network namespace says of IP. */
export interface NetworkState {
  readonly links: readonly IpLink[];
  readonly routes: readonly IpRoute[];
  readonly rules: readonly IpRule[];
  readonly rules6: readonly IpRule[];
  readonly neighbours: readonly IpNeighbour[];
}

/** Reads the network namespace of a process. Rejects with the tool's own words. */
export async function readNetwork(pid: number): Promise<NetworkState> {
  const ip = (args: readonly string[], input?: string) =>
    tool("nsenter", [`--net=/proc/${pid}/ns/net`, "--", "ip", "-json", "-N", ...args], { timeoutMs: LIMIT_MS, input });
  const questions = "address show\nroute show table all\nrule show\nneighbour show nud permanent\n";
  const [answers, rules6] = await Promise.all([ip(["-batch", "-"], questions), ip(["-6", "rule"])]);
  // A line each; nothing at all prints as an empty line with some versions.
  const [links, routes, rules, neighbours] = answers.split("\n").map((line) => JSON.parse(line || "[]"));
  return { links, routes, rules, neighbours: neighbours ?? [], rules6: JSON.parse(rules6 || "[]") };
}
