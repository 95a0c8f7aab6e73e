import { expect, test } from "vitest";
import type { NetworkState } from "./network-read.ts";
import { guestLinks, networkRequest } from "./network-request.ts";

/** As `ip -json -N` of iproute2 6.1 prints a namespace with one veth; shortened. */
const STATE: NetworkState = {
  links: [
    {
      ifname: "lo",
      flags: ["LOOPBACK", "UP"],
      mtu: 65536,
      link_type: "[772]",
      address: "00:00:00:00:00:00",
      addr_info: [],
    },
    {
      ifname: "lo-microvm0",
      flags: ["BROADCAST"],
      mtu: 1500,
      link_type: "[1]",
      address: "b6:ec:3f:2f:dd:b7",
      addr_info: [],
    },
    {
      ifname: "eth0",
      flags: ["BROADCAST", "MULTICAST", "UP"],
      mtu: 1400,
      link_type: "[1]",
      address: "ee:39:93:9e:6c:81",
      addr_info: [
        { family: "inet", local: "10.4.0.2", prefixlen: 24, broadcast: "10.4.0.255", scope: "0" },
        { family: "inet6", local: "fe80::1", prefixlen: 64, scope: "253" },
      ],
    },
  ],
  routes: [
    { dst: "default", gateway: "10.4.0.1", dev: "eth0", flags: [] },
    { dst: "10.4.0.0/24", dev: "eth0", protocol: "2", scope: "253", prefsrc: "10.4.0.2", flags: [] },
    {
      dst: "10.9.0.0/16",
      gateway: "10.99.0.1",
      dev: "eth0",
      flags: ["onlink"],
      metric: 7,
      table: "100",
      metrics: [{ mtu: 1300 }],
    },
    { type: "2", dst: "10.4.0.2", dev: "eth0", table: "255", protocol: "2", scope: "254" },
    { type: "7", dst: "10.66.0.0/16", flags: [] },
    { dst: "fe80::/64", dev: "eth0", protocol: "2", metric: 256, flags: [] },
    { dst: "fd00::/64", dev: "eth0", protocol: "2", metric: 256, flags: [] },
    { dst: "default", gateway: "fd00::1", dev: "eth0", metric: 1024, flags: [] },
    { dst: "10.8.0.0/16", dev: "lo-microvm0", flags: [] },
  ],
  rules: [
    { priority: 0, src: "all", table: "255" },
    { priority: 100, src: "10.4.0.2", table: "100" },
    { priority: 101, src: "all", fwmark: "0x10", table: "100", iif: "eth0" },
    { priority: 32766, src: "all", table: "254" },
  ],
  rules6: [
    { priority: 0, src: "all", table: "255" },
    { priority: 200, src: "fd00::", srclen: 64, table: "100" },
  ],
  neighbours: [{ dst: "10.4.0.1", dev: "eth0", lladdr: "02:00:00:00:00:01", state: ["PERMANENT"] }],
};

const request = networkRequest(STATE);

test("loopback and our own taps are not the guest's", () => {
  expect(guestLinks(STATE).map(({ ifname }) => ifname)).toEqual(["eth0"]);
});

test("an interface has the address by which its device is known, and all that it has on the host", () => {
  expect(request.interfaces).toEqual([
    {
      deviceMac: Uint8Array.of(0x02, 0x6d, 0x76, 0x6d, 0, 0),
      name: "eth0",
      mac: Uint8Array.of(0xee, 0x39, 0x93, 0x9e, 0x6c, 0x81),
      mtu: 1400,
      up: true,
      noarp: false,
      addresses: [
        {
          address: Uint8Array.of(10, 4, 0, 2),
          prefixLength: 24,
          broadcast: Uint8Array.of(10, 4, 0, 255),
          scope: 0,
        },
        { address: expect.any(Uint8Array), prefixLength: 64, scope: 253 },
      ],
    },
  ]);
});

test("routes come but for those that the kernel makes and those of other interfaces", () => {
  expect(request.routes?.map(({ family, prefixLength, type, table }) => [family, prefixLength, type, table])).toEqual([
    [2, undefined, 1, 254],
    [2, 24, 1, 254],
    [2, 16, 1, 100],
    [2, 16, 7, 254],
    [10, 64, 1, 254],
    [10, undefined, 1, 254],
  ]);
  expect(request.routes?.[0]).toMatchObject({ gateway: Uint8Array.of(10, 4, 0, 1), interface: "eth0", protocol: 3 });
  expect(request.routes?.[2]).toMatchObject({ onlink: true, metric: 7, mtu: 1300 });
  expect(request.routes?.[3]).toMatchObject({ interface: "" });
});

test("rules come but for those that every namespace has", () => {
  expect(request.rules?.map(({ family, priority, table }) => [family, priority, table])).toEqual([
    [2, 100, 100],
    [2, 101, 100],
    [10, 200, 100],
  ]);
  expect(request.rules?.[0]).toMatchObject({ source: Uint8Array.of(10, 4, 0, 2), sourcePrefixLength: 32 });
  expect(request.rules?.[1]).toMatchObject({ mark: 16, markMask: 0xffffffff, incomingInterface: "eth0" });
  expect(request.rules?.[2]).toMatchObject({ sourcePrefixLength: 64 });
});

test("permanent neighbours come along", () => {
  expect(request.neighbours).toEqual([
    {
      address: Uint8Array.of(10, 4, 0, 1),
      mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
      interface: "eth0",
      proxy: false,
    },
  ]);
});
