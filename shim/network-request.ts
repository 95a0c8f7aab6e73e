import type { NetworkRequest } from "../proto/guest/methods.ts";
import { addressBytes, macBytes, prefix } from "../vmm/network-address.ts";
import { deviceMac, isTap } from "../vmm/qemu-args.ts";
import type { IpAddress, IpLink, IpNeighbour, IpRoute, IpRule, NetworkState } from "./network-read.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const RT_TABLE_MAIN = 254;
const RT_TABLE_LOCAL = 255;
const RTPROT_KERNEL = 2;
const RTPROT_BOOT = 3;
const RTN_UNICAST = 1;
const FR_ACT_TO_TBL = 1;
/** Made by every network namespace itself. */
const OWN_RULES = new Set([0, 32766, 32767]);

/** The interfaces that the guest is to have, in their order: all but loopback and our own devices. */
export function guestLinks({ links }: NetworkState): readonly IpLink[] {
  return links.filter(({ ifname, flags }) => !flags.includes("LOOPBACK") && !isTap(ifname));
}

/** The namespace's IP configuration for the guest: the device n of the VM becomes interface n. Throws for what is no IP. */
export function networkRequest(state: NetworkState): NetworkRequest {
  const links = guestLinks(state);
  const names = new Set(links.map(({ ifname }) => ifname));
  const ours = (name: string | undefined) => name === undefined || names.has(name);
  return {
    interfaces: links.map((link, index) => ({
      deviceMac: macBytes(deviceMac(index)),
      name: link.ifname,
      mac: macBytes(link.address ?? ""),
      mtu: link.mtu,
      up: link.flags.includes("UP"),
      noarp: link.flags.includes("NOARP"),
      addresses: (link.addr_info ?? []).map(addressOf),
    })),
    routes: state.routes.filter((route) => isWanted(route) && ours(route.dev)).map(routeOf),
    rules: [
      ...state.rules.map((rule) => ruleOf(rule, AF_INET)),
      ...state.rules6.map((rule) => ruleOf(rule, AF_INET6)),
    ].filter(({ priority }) => !OWN_RULES.has(priority)),
    neighbours: state.neighbours.filter(({ dev }) => names.has(dev)).map(neighbourOf),
  };
}

function addressOf({ local, address, prefixlen, broadcast, scope }: IpAddress) {
  return {
    address: addressBytes(local),
    prefixLength: prefixlen,
    ...(broadcast === undefined ? {} : { broadcast: addressBytes(broadcast) }),
    ...(address === undefined ? {} : { peer: addressBytes(address) }),
    scope: Number(scope ?? 0),
  };
}

/** The kernel makes the local and multicast ones by itself; those of addresses too, but not for every address. */
function isWanted({ table, type, protocol, dst }: IpRoute): boolean {
  if (Number(table ?? RT_TABLE_MAIN) === RT_TABLE_LOCAL) return false;
  if (protocol === `${RTPROT_KERNEL}` && /^(ff00|fe80)::/.test(dst)) return false;
  return [undefined, "1", "6", "7", "8"].includes(type);
}

function routeOf(route: IpRoute) {
  const { dst, gateway, prefsrc, dev } = route;
  const isDefault = dst === "default";
  const destination = isDefault ? undefined : prefix(dst);
  const family = (isDefault ? (gateway ?? "") : dst).includes(":") ? AF_INET6 : AF_INET;
  return {
    family,
    ...(destination === undefined ? {} : { destination: destination.address, prefixLength: destination.length }),
    ...(gateway === undefined ? {} : { gateway: addressBytes(gateway) }),
    ...(prefsrc === undefined ? {} : { source: addressBytes(prefsrc) }),
    interface: dev ?? "",
    metric: route.metric ?? 0,
    table: Number(route.table ?? RT_TABLE_MAIN),
    scope: Number(route.scope ?? 0),
    protocol: Number(route.protocol ?? RTPROT_BOOT),
    type: Number(route.type ?? RTN_UNICAST),
    onlink: route.flags?.includes("onlink") ?? false,
    mtu: route.metrics?.[0]?.mtu ?? 0,
  };
}

function ruleOf(rule: IpRule, family: number) {
  const side = (address: string | undefined, length: number | undefined) =>
    address === undefined || address === "all" ? undefined : { address: addressBytes(address), length };
  const source = side(rule.src, rule.srclen);
  const destination = side(rule.dst, rule.dstlen);
  const all = family === AF_INET ? 32 : 128;
  return {
    family,
    priority: rule.priority,
    ...(source === undefined ? {} : { source: source.address, sourcePrefixLength: source.length ?? all }),
    ...(destination === undefined
      ? {}
      : { destination: destination.address, destinationPrefixLength: destination.length ?? all }),
    table: Number(rule.table ?? 0),
    action: Number(rule.action ?? FR_ACT_TO_TBL),
    mark: Number(rule.fwmark ?? 0),
    markMask: rule.fwmark === undefined ? 0 : Number(rule.fwmask ?? 0xffffffff),
    incomingInterface: rule.iif ?? "",
    outgoingInterface: rule.oif ?? "",
  };
}

function neighbourOf({ dst, dev, lladdr, proxy }: IpNeighbour) {
  return {
    address: addressBytes(dst),
    ...(lladdr === undefined ? {} : { mac: macBytes(lladdr) }),
    interface: dev,
    proxy: proxy !== undefined,
  };
}
