import { tool } from "./tool.ts";

const LIMIT_MS = 5_000;

/**
 * The settings of a network namespace that the guest takes over, as paths below /proc/sys/net, each with the value that
 * our kernel begins with. Those that depend on the size of a machine have none and are always set.
 */
const GENERAL: Readonly<Record<string, string | undefined>> = {
  "core/somaxconn": "4096",
  "ipv4/fwmark_reflect": "0",
  "ipv4/icmp_echo_ignore_all": "0",
  "ipv4/icmp_echo_ignore_broadcasts": "1",
  "ipv4/icmp_ratelimit": "1000",
  "ipv4/igmp_max_memberships": "20",
  "ipv4/ip_default_ttl": "64",
  "ipv4/ip_forward": "0",
  "ipv4/ip_local_port_range": "32768 60999",
  "ipv4/ip_local_reserved_ports": "",
  "ipv4/ip_no_pmtu_disc": "0",
  "ipv4/ip_nonlocal_bind": "0",
  "ipv4/ip_unprivileged_port_start": "1024",
  "ipv4/ping_group_range": "1 0",
  "ipv4/tcp_base_mss": "1024",
  "ipv4/tcp_congestion_control": "cubic",
  "ipv4/tcp_ecn": "2",
  "ipv4/tcp_fastopen": "1",
  "ipv4/tcp_fin_timeout": "60",
  "ipv4/tcp_keepalive_intvl": "75",
  "ipv4/tcp_keepalive_probes": "9",
  "ipv4/tcp_keepalive_time": "7200",
  "ipv4/tcp_max_syn_backlog": undefined,
  "ipv4/tcp_max_tw_buckets": undefined,
  "ipv4/tcp_mtu_probing": "0",
  "ipv4/tcp_no_metrics_save": "0",
  "ipv4/tcp_notsent_lowat": "4294967295",
  "ipv4/tcp_orphan_retries": "0",
  "ipv4/tcp_retries1": "3",
  "ipv4/tcp_retries2": "15",
  "ipv4/tcp_rfc1337": "0",
  "ipv4/tcp_rmem": undefined,
  "ipv4/tcp_sack": "1",
  "ipv4/tcp_slow_start_after_idle": "1",
  "ipv4/tcp_syn_retries": "6",
  "ipv4/tcp_synack_retries": "5",
  "ipv4/tcp_syncookies": "1",
  "ipv4/tcp_timestamps": "1",
  "ipv4/tcp_tw_reuse": "2",
  "ipv4/tcp_window_scaling": "1",
  "ipv4/tcp_wmem": undefined,
  "ipv4/udp_rmem_min": "4096",
  "ipv4/udp_wmem_min": "4096",
  "ipv6/auto_flowlabels": "1",
  "ipv6/bindv6only": "0",
  "ipv6/ip_nonlocal_bind": "0",
};

/** The same for each interface, "all" and "default", below ipv4/conf/NAME or ipv6/conf/NAME. */
const INTERFACE: Readonly<Record<"ipv4" | "ipv6", Readonly<Record<string, string>>>> = {
  ipv4: {
    accept_local: "0",
    accept_redirects: "1",
    arp_accept: "0",
    arp_announce: "0",
    arp_filter: "0",
    arp_ignore: "0",
    arp_notify: "0",
    forwarding: "0",
    log_martians: "0",
    promote_secondaries: "0",
    proxy_arp: "0",
    route_localnet: "0",
    rp_filter: "0",
    secure_redirects: "1",
    send_redirects: "1",
    src_valid_mark: "0",
  },
  ipv6: {
    accept_ra: "1",
    accept_ra_defrtr: "1",
    accept_ra_pinfo: "1",
    accept_redirects: "1",
    autoconf: "1",
    dad_transmits: "1",
    disable_ipv6: "0",
    forwarding: "0",
    hop_limit: "64",
    keep_addr_on_down: "0",
    max_addresses: "16",
    proxy_ndp: "0",
    router_solicitations: "-1",
  },
};

/** These set others too: themselves and `accept_redirects` of all interfaces. */
const FORWARDING = new Set(["ipv4/ip_forward", "ipv4/conf/all/forwarding"]);
const SET_BY_FORWARDING = /^ipv4\/conf\/.*\/(accept_redirects|forwarding)$/;

/** In the order in which they are to be set: what is for all interfaces comes before what is for one. */
function* settings(
  interfaces: readonly string[],
): Generator<{ name: string; initial: string | undefined; of: string }> {
  for (const [name, initial] of Object.entries(GENERAL)) yield { name, initial, of: "" };
  for (const [family, keys] of Object.entries(INTERFACE))
    for (const [key, initial] of Object.entries(keys))
      for (const each of ["all", "default", "lo", ...interfaces])
        yield { name: `${family}/conf/${each}/${key}`, initial, of: `${family}/conf/all/${key}` };
}

export interface Sysctl {
  /** Path below /proc/sys/net. */
  readonly name: string;
  readonly value: string;
}

/** Reads them in the network namespace of a process, by name. What its kernel does not have is left out. */
export async function readSysctls(pid: number, interfaces: readonly string[]): Promise<Map<string, string>> {
  const names = [...settings(interfaces)].map(({ name }) => name);
  // One program for all, with a zero byte after each name. Its status 2 says that there is one it cannot read.
  const args = [`--net=/proc/${pid}/ns/net`, "--", "grep", "-sHZ", "", "--", ...names];
  const text = await tool("nsenter", args, { timeoutMs: LIMIT_MS, cwd: "/proc/sys/net", statuses: [0, 2] });
  const lines = text.split("\n").map((line) => line.split("\0"));
  return new Map(lines.flatMap(([name = "", value]) => (value === undefined ? [] : [[name, plain(value)]])));
}

function plain(value: string): string {
  return value.trim().replaceAll(/\s+/g, " ");
}

/** What the guest has, as far as it is known. */
export class GuestSysctls {
  readonly #known = new Map<string, string>();

  /** What is to be set so that the guest has the namespace's; then it counts as set. */
  take(current: ReadonlyMap<string, string>, interfaces: readonly string[]): Sysctl[] {
    const changes: Sysctl[] = [];
    const changed = new Set<string>();
    let forwarding = false;
    for (const { name, initial, of } of settings(interfaces)) {
      const value = current.get(name);
      if (value === undefined) continue;
      const implied = changed.has(of) || (forwarding && SET_BY_FORWARDING.test(name));
      if (value === (this.#known.get(name) ?? initial) && !implied) continue;
      changes.push({ name, value });
      changed.add(name);
      forwarding ||= FORWARDING.has(name);
      this.#known.set(name, value);
    }
    return changes;
  }
}
