/** Mounts that config.json asks for, devices, and what a read-only root means. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Shared } from "../case.ts";
import { replacing } from "../normalise.ts";
import type { Mount } from "../spec.ts";

const tmpfs = (destination: string, ...options: string[]): Mount => ({
  destination,
  type: "tmpfs",
  source: "tmpfs",
  options,
});
const bind = (source: string, destination: string, ...options: string[]): Mount => ({
  destination,
  type: "bind",
  source,
  options: ["rbind", ...options],
});

export const MOUNTED: Shared = {
  name: "mounts",
  prepare: (rootfs) => {
    const host = join(rootfs, "../host");
    mkdirSync(join(host, "sub/deeper"), { recursive: true });
    writeFileSync(join(host, "file"), "of the host\n");
    writeFileSync(join(host, "sub/deeper/f"), "deep\n");
    mkdirSync(join(rootfs, "full"));
    writeFileSync(join(rootfs, "full/hidden"), "x");
    symlinkSync("/root", join(rootfs, "link"));
    mkdirSync(join(rootfs, "escape"));
    symlinkSync("../../../../../../escape", join(rootfs, "outside"));
  },
  spec: ({ mounts }, rootfs) => {
    const host = join(rootfs, "../host");
    mounts.push(
      tmpfs("/t/sized", "size=1m", "mode=1770", "uid=7", "gid=8"),
      tmpfs("/t/ro", "ro"),
      tmpfs("/t/noexec", "noexec", "nosuid", "nodev", "noatime"),
      tmpfs("/full"),
      bind(host, "/b/rw", "rw"),
      bind(host, "/b/ro", "ro"),
      bind(join(host, "file"), "/b/file", "ro"),
      bind(join(host, "sub"), "/b/a name with é", "rw"),
      bind(join(host, "sub"), "/link/sub", "rw"),
      bind(join(host, "sub"), "/outside/sub", "rw"),
      bind(join(host, "sub"), "/b/noexec", "noexec", "nosuid", "nodev"),
      bind(join(host, "sub"), "/b/rro", "rro", "rnoexec", "rnosuid"),
      { destination: "/t/mqueue", type: "mqueue", source: "mqueue", options: [] },
    );
  },
  scripts: [
    {
      name: "places in their order",
      script: "awk '$2 ~ /^.(t|b|full|link|root|escape)/ {print $2}' /proc/mounts",
      expect: { code: 0 },
    },
    { name: "options of a tmpfs", script: "awk '$2 ~ /^.t/ {print $2, $3, $4}' /proc/mounts; stat -c %a /full" },
    {
      name: "size of a tmpfs",
      script: "dd if=/dev/zero of=/t/sized/f bs=65536 count=17; stat -c %s /t/sized/f; stat -c '%a %u:%g' /t/sized",
    },
    { name: "a read-only tmpfs", script: "touch /t/ro/x" },
    {
      name: "no programs, no devices",
      script: "cd /t/noexec; cp /bin/busybox echo; ./echo x; mknod n c 1 3; echo x > n",
    },
    { name: "what was there is hidden", script: "ls /full" },
    {
      name: "a directory of the host, to be written",
      script: "cd /b/rw; cat file sub/deeper/f; echo new > made; cat made; rm made; ls",
    },
    {
      name: "a directory of the host, read only",
      script: "cd /b/ro; cat file; touch made; echo x > file; rm file; mkdir sub/x",
    },
    { name: "a file of the host", script: "cat /b/file; stat -c %F /b/file; echo x > /b/file; rm /b/file" },
    { name: "a name with a space and é", script: "cat '/b/a name with é/deeper/f'; grep -c 'a.040name' /proc/mounts" },
    { name: "a place beyond a link", script: "cat /link/sub/deeper/f /root/sub/deeper/f" },
    {
      name: "a link out of the root stays inside",
      script: "cat /outside/sub/deeper/f /escape/sub/deeper/f; ls -d /escape",
    },
    {
      name: "no programs from the host's directory",
      script: "cd /b/noexec; printf '#!/bin/sh\\necho x\\n' > p; chmod +x p; ./p; rm p",
    },
    {
      name: "options that hold for all mounts below, too",
      script: "awk '$2 == \"/b/rro\" {print $4}' /proc/mounts | cut -d, -f 1-3; cat /b/rro/deeper/f; touch /b/rro/x",
      expect: { code: 1 },
    },
    {
      name: "directories made for mounts",
      script: "stat -c '%n %a %u:%g' /t /b; stat -c '%n %F %s' /b/file",
      differs: ["made", replacing(/ 1755 /g, " 755 ")],
    },
  ],
};

export const READ_ONLY: Shared = {
  name: "a read-only root",
  spec: (spec) => {
    spec.root.readonly = true;
    spec.mounts.push(tmpfs("/tmp", "mode=1777"));
  },
  scripts: [
    {
      name: "nothing can be written",
      script: "touch /x /etc/passwd /root/x; mkdir /d; rm /etc/group; chmod 777 /etc; ln -s a /b",
    },
    {
      name: "mounts on it can",
      script: "echo x > /tmp/x && cat /tmp/x; echo y > /run/y && cat /run/y; echo z > /dev/shm/z && cat /dev/shm/z",
    },
    { name: "the root's options", script: "awk '$2 == \"/\" {print $4}' /proc/mounts | cut -d, -f1" },
    { name: "devices still work", script: "echo x > /dev/null; touch /dev/new; ls -l /dev/new | cut -c 1-10" },
  ],
};

export const DEVICES: Shared = {
  name: "devices",
  spec: ({ linux }) => {
    linux.devices = [
      { path: "/dev/my/null", type: "c", major: 1, minor: 3, fileMode: 0o640, uid: 3, gid: 4 },
      { path: "/dev/readable", type: "c", major: 1, minor: 5, fileMode: 0o666 },
      { path: "/dev/forbidden", type: "c", major: 1, minor: 11, fileMode: 0o666 },
      { path: "/srv/pipe", type: "p", major: 0, minor: 0, fileMode: 0o600 },
    ];
    linux.resources = {
      devices: [
        { allow: false, access: "rwm" },
        { allow: true, type: "c", major: 1, minor: 3, access: "rw" },
        { allow: true, type: "c", major: 1, minor: 5, access: "r" },
      ],
    };
  },
  scripts: [
    {
      name: "nodes with mode and owner",
      script: "stat -c '%n %F %t:%T %a %u:%g' /dev/my/null /dev/readable /dev/forbidden /srv/pipe",
      expect: { code: 0 },
    },
    { name: "an allowed device", script: "echo x > /dev/my/null && echo written; cat /dev/my/null" },
    { name: "a device that may only be read", script: "head -c 2 /dev/readable | wc -c; echo x > /dev/readable" },
    { name: "a device that is not allowed", script: "head -c 1 /dev/forbidden" },
    { name: "making nodes", script: "mknod /tmp/a c 1 3; mknod /tmp/b c 1 11; mknod /tmp/c b 1 0; ls /tmp" },
  ],
};
