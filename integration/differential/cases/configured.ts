/** What config.json sets, as the process finds it. */
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Shared } from "../case.ts";
import { noStdout } from "../normalise.ts";

const LIMITS = "cpu fsize data stack core rss nofile as nproc memlock locks sigpending msgqueue nice rtprio";

export const ORDINARY_USER: Shared = {
  name: "an ordinary user",
  spec: ({ process }) => {
    process.user = { uid: 1000, gid: 1001, additionalGids: [5, 20, 65534], umask: 0o27 };
    process.capabilities = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };
    process.noNewPrivileges = true;
    process.cwd = "/home/me";
    process.env = ["PATH=/bin:/sbin", "HOME=/home/me", "EMPTY=", "SPACE= a b ", "EQUAL=a=b", "LINE=a\nb", "U=é✓"];
  },
  scripts: [
    {
      name: "ids",
      script: "grep -E '^(Uid|Gid):' /proc/self/status",
      expect: { stdout: "Uid:\t1000\t1000\t1000\t1000\nGid:\t1001\t1001\t1001\t1001\n" },
    },
    { name: "additional groups", script: "grep ^Groups: /proc/self/status; id -G", expect: { code: 0 } },
    { name: "umask of its own", script: "umask; cd /tmp; chmod -R u+x . 2> /dev/null; umask" },
    { name: "no capability", script: "grep ^Cap /proc/self/status" },
    { name: "a directory that is made", script: "pwd; stat -c '%a %u:%g' /home /home/me" },
    {
      name: "variables",
      script: "env | grep -vE '^(HOSTNAME|PWD|SHLVL|OLDPWD)=' | sort; echo \"$HOME|$EMPTY|$SPACE|$EQUAL|$LINE|$U\"",
    },
    {
      name: "root's files cannot be written",
      script: "echo x > /etc/passwd; touch /root/x /x; echo x > /dev/null && echo written",
    },
    { name: "owners cannot be changed", script: "chown 0 /home/me; mknod /tmp/n c 1 3; chroot / true; kill -9 2" },
    { name: "a privileged program gives nothing", script: "su -c id" },
    {
      name: "its streams can be opened again",
      script: "echo again > /dev/stdout; echo again > /dev/stderr; ls -l /proc/self/fd/1 | cut -c 1-10",
    },
  ],
};

export const LIMITED: Shared = {
  name: "limits and names",
  spec: (spec) => {
    spec.hostname = "a-guest";
    spec.process.oomScoreAdj = 500;
    spec.process.rlimits = [
      { type: "RLIMIT_NOFILE", soft: 100, hard: 200 },
      { type: "RLIMIT_CORE", soft: 0, hard: 0 },
      { type: "RLIMIT_FSIZE", soft: 1_000_000, hard: 2_000_000 },
      { type: "RLIMIT_STACK", soft: 1 << 20, hard: 2 << 20 },
      { type: "RLIMIT_NPROC", soft: 50, hard: 60 },
      { type: "RLIMIT_CPU", soft: 1000, hard: 2000 },
    ];
    spec.linux.sysctl = {
      "kernel.msgmax": "12345",
      "kernel.shmmni": "77",
      "net.ipv4.ip_forward": "1",
      "net.ipv4.ip_unprivileged_port_start": "80",
    };
  },
  scripts: [
    {
      name: "limits that are set",
      script: "grep -E 'open files|core|file size|stack|Max processes|cpu' /proc/self/limits",
      expect: { code: 0 },
    },
    {
      name: "limits that are not set",
      script: `grep -vE 'open files|core|file size|stack|Max processes|cpu' /proc/self/limits # ${LIMITS}`,
      differs: ["inherited", noStdout],
    },
    { name: "more open files than allowed", script: "ulimit -Sn 5; exec 3< /dev/null 4< /dev/null 5< /dev/null" },
    {
      name: "a file larger than allowed",
      script: "dd if=/dev/zero of=/tmp/f bs=1000 count=1500; echo $?; stat -c %s /tmp/f",
    },
    { name: "the hard limit cannot be raised", script: "ulimit -n 300; ulimit -Hn" },
    {
      name: "oom score as set",
      script: "cat /proc/1/oom_score_adj /proc/self/oom_score_adj",
      expect: { stdout: "500\n500\n" },
    },
    {
      name: "host name as set",
      script: "hostname; cat /proc/sys/kernel/hostname",
      expect: { stdout: "a-guest\na-guest\n" },
    },
    {
      name: "sysctls",
      script: "cd /proc/sys; cat kernel/msgmax kernel/shmmni net/ipv4/ip_forward net/ipv4/ip_unprivileged_port_start",
      expect: { stdout: "12345\n77\n1\n80\n" },
    },
  ],
};

export const CAPABLE: Shared = {
  name: "capabilities",
  spec: ({ process }) => {
    const some = ["CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL"];
    process.user = { uid: 1000, gid: 1000 };
    process.capabilities = {
      bounding: [...some, "CAP_SETUID", "CAP_SETGID"],
      permitted: some,
      effective: some.slice(0, 2),
      inheritable: some,
      ambient: some.slice(1, 2),
    };
    process.noNewPrivileges = false;
  },
  prepare: (rootfs) => {
    copyFileSync("/usr/bin/busybox", join(rootfs, "bin/suid"));
    chmodSync(join(rootfs, "bin/suid"), 0o4755);
    writeFileSync(join(rootfs, "etc/busybox.conf"), "[SUID]\nid = ssx root.root\n");
  },
  scripts: [
    { name: "each set", script: "grep ^Cap /proc/1/status", expect: { code: 0 } },
    { name: "sets after another program", script: "grep ^Cap /proc/self/status" },
    { name: "an ambient capability works", script: "chroot / /bin/echo in; grep NoNewPrivs /proc/self/status" },
    { name: "one that it lacks does not", script: "chown 0 /tmp; touch /root/x" },
    { name: "a setuid program", script: "/bin/suid su -s /bin/sh -c 'id -u; grep ^Cap /proc/self/status' root" },
  ],
};

export const PRIVILEGED: Shared = {
  name: "a privileged container",
  flags: ["--privileged"],
  scripts: [
    {
      name: "capabilities of a privileged one",
      script: "grep -E '^(Cap(Inh|Amb)|NoNewPrivs|Seccomp:)' /proc/self/status",
    },
    { name: "nothing is masked", script: "mount | grep -E ' on /(proc|sys/firmware)/?'; ls /sys/firmware > /dev/null" },
    { name: "/sys can be written", script: 'awk \'$2 == "/sys" || $2 == "/proc" {print $2, $4}\' /proc/mounts' },
    {
      name: "mounting is allowed",
      script: "mount -t tmpfs none /tmp && echo x > /tmp/x && mount --bind /tmp /root && cat /root/x && umount /root",
    },
    {
      name: "any device may be used",
      script: "mknod /tmp/loop b 7 200 2>&1; mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg | wc -c",
    },
    { name: "sysctls can be written", script: "echo 12345 > /proc/sys/kernel/msgmax; cat /proc/sys/kernel/msgmax" },
  ],
};
