import { expect, test } from "vitest";
import { GuestSysctls, readSysctls } from "./sysctls.ts";

/** A namespace like the guest's, but for what is given. */
const other = (values: Record<string, string>) =>
  new Map(Object.entries({ "core/somaxconn": "4096", "ipv4/conf/eth0/rp_filter": "0", ...values }));

test("what this machine's namespace has is read by name", async () => {
  const read = await readSysctls(process.pid, ["lo", "no:such one"]);
  expect(read.get("ipv4/ip_local_port_range")).toMatch(/^\d+ \d+$/);
  expect(read.get("ipv4/conf/lo/rp_filter")).toMatch(/^\d$/);
  expect([...read.keys()].filter((name) => name.includes("no:such"))).toEqual([]);
});

test("only what differs is set, and once", () => {
  const guest = new GuestSysctls();
  const current = other({ "ipv4/conf/eth0/rp_filter": "2", "ipv4/tcp_fin_timeout": "30" });
  const changes = [
    { name: "ipv4/tcp_fin_timeout", value: "30" },
    { name: "ipv4/conf/eth0/rp_filter", value: "2" },
  ];
  expect(guest.take(current, ["eth0"])).toEqual(changes);
  expect(guest.take(current, ["eth0"])).toEqual([]);
  current.set("ipv4/tcp_fin_timeout", "60");
  expect(guest.take(current, ["eth0"])).toEqual([{ name: "ipv4/tcp_fin_timeout", value: "60" }]);
});

test("what our kernel chooses by its memory is set always", () => {
  expect(new GuestSysctls().take(other({ "ipv4/tcp_rmem": "1 2 3" }), [])).toEqual([
    { name: "ipv4/tcp_rmem", value: "1 2 3" },
  ]);
});

test("what changes for all interfaces at once is set for each", () => {
  const conf = (key: string, values: readonly string[]) =>
    Object.fromEntries(["all", "default", "eth0"].map((of, n) => [`ipv6/conf/${of}/${key}`, values[n] ?? ""]));
  const current = other({ ...conf("disable_ipv6", ["1", "1", "0"]), ...conf("forwarding", ["0", "0", "1"]) });
  expect(new GuestSysctls().take(current, ["eth0"])).toEqual([
    { name: "ipv6/conf/all/disable_ipv6", value: "1" },
    { name: "ipv6/conf/default/disable_ipv6", value: "1" },
    { name: "ipv6/conf/eth0/disable_ipv6", value: "0" },
    { name: "ipv6/conf/eth0/forwarding", value: "1" },
  ]);
});

test("what forwarding changes by the way is set after it", () => {
  const current = other({
    "ipv4/ip_forward": "1",
    "ipv4/conf/all/accept_redirects": "1",
    "ipv4/conf/eth0/forwarding": "0",
    "ipv4/conf/eth0/send_redirects": "1",
  });
  expect(new GuestSysctls().take(current, ["eth0"])).toEqual([
    { name: "ipv4/ip_forward", value: "1" },
    { name: "ipv4/conf/all/accept_redirects", value: "1" },
    { name: "ipv4/conf/eth0/forwarding", value: "0" },
  ]);
});
