import { expect, test } from "vitest";
import { bindsOf } from "./bind.ts";

const bind = (options: string[], more = {}) => ({ destination: "/d", source: "/s", options, ...more });

test("sources are absolute, relative ones begin at the bundle; other mounts are none", () => {
  const mounts = [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/a", type: "bind", source: "/srv/a", options: ["ro"] },
    { destination: "/b", source: "hosts", options: ["bind"] },
  ];
  expect(bindsOf({ mounts }, "/bundle").map(({ source, destination }) => [source, destination])).toEqual([
    ["/srv/a", "/a"],
    ["/bundle/hosts", "/b"],
  ]);
});

test.each([
  [["rbind"], true, true],
  [["bind"], false, true],
  [["rbind", "rslave"], true, true],
  [["rbind", "rprivate"], true, false],
  [["bind", "private"], false, false],
])("options %j: recursive %j, follows the host's mounts %j", (options, recursive, follows) => {
  expect(bindsOf({ mounts: [bind(options)] }, "/")).toEqual([
    { source: "/s", destination: "/d", recursive, follows, options },
  ]);
});

test.each([
  ["rshared", bind(["rbind", "rshared"])],
  ["idmap", bind(["bind", "idmap"])],
  ["uidMappings", bind(["bind"], { uidMappings: [{ containerID: 0, hostID: 1, size: 1 }] })],
])("%s is refused with its reason", (_, mount) => {
  expect(() => bindsOf({ mounts: [mount] }, "/")).toThrow(/^cannot mount "\/s" at "\/d": .*(rslave|idmapped)/);
});
