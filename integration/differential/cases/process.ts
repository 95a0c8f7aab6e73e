/** What a process finds out about itself and its surroundings. */
import type { Shared } from "../case.ts";
import { noStdout, replacing } from "../normalise.ts";

export const DEFAULT_CONTAINER: Shared = {
  name: "a container as ctr makes it",
  everywhere: true,
  scripts: [
    { name: "kernel release", script: "uname -r", differs: ["kernel", noStdout] },
    { name: "system and machine", script: "uname -s; uname -m; uname -o" },
    { name: "user and groups", script: "id; grep -E '^(Uid|Gid|Groups):' /proc/self/status" },
    {
      name: "capabilities",
      script: "grep ^Cap /proc/self/status",
      expect: { code: 0 },
    },
    { name: "no new privileges", script: "grep NoNewPrivs /proc/self/status" },
    { name: "seccomp", script: "grep -E '^Seccomp' /proc/self/status" },
    {
      name: "signals pending, blocked and caught",
      script: "grep -E '^(SigPnd|ShdPnd|SigBlk|SigCgt)' /proc/self/status",
    },
    { name: "limit of open files", script: "ulimit -Sn; ulimit -Hn; grep 'open files' /proc/self/limits" },
    { name: "environment", script: "env | grep -v ^HOSTNAME= | sort" },
    { name: "working directory", script: "pwd; readlink /proc/self/cwd; readlink /proc/1/cwd" },
    { name: "umask", script: "umask; touch /tmp/masked; stat -c %a /tmp/masked" },
    {
      name: "process 1",
      script: "cat /proc/1/comm; tr '\\0' '\\n' < /proc/1/cmdline | head -n 2; readlink /proc/1/exe",
    },
    { name: "only its own processes", script: "set -- /proc/[0-9]*; echo $#" },
    { name: "session and process group", script: "awk '{print $4, $5, $6, $7, $8}' /proc/1/stat" },
    {
      name: "open files of process 1",
      script: "ls /proc/1/fd; for f in 0 1 2; do readlink /proc/1/fd/$f | tr -d '0-9'; done",
    },
    {
      name: "priority and scheduling",
      script: "awk '{print $18, $19, $40, $41}' /proc/1/stat; nice; ionice -p 1; chrt -p 1",
    },
    { name: "no terminal", script: "tty; test -t 0; echo $?; test -e /dev/tty && (: < /dev/tty)" },
    { name: "kinds of namespaces", script: "ls /proc/self/ns" },
    { name: "user namespace", script: "cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups" },
    { name: "host name", script: "hostname; uname -n; cat /proc/sys/kernel/hostname" },
    { name: "domain name", script: "cat /proc/sys/kernel/domainname" },
    { name: "setting the host name is refused", script: "hostname other" },
    {
      name: "interfaces",
      script: "ls /sys/class/net | grep -xE 'lo|e.*'; awk '/lo:|e.*:/ {print $1, $2}' /proc/net/dev",
    },
    { name: "oom score", script: "cat /proc/self/oom_score_adj", differs: ["inherited", noStdout] },
    { name: "clock", script: "date +%s", same: replacing(/^\d{10}$/gm, "now"), expect: { code: 0 } },
    { name: "time zone", script: "date +%Z; TZ=EST5 date -d @0" },
    { name: "random numbers", script: "head -c 16 /dev/urandom | wc -c; head -c 16 /dev/random | wc -c" },
    {
      name: "becoming another user",
      script: "su nobody -s /bin/sh -c 'id; cat /etc/passwd > /dev/null; touch /root/x'",
    },
    { name: "a signal ends a child", script: "exec 2> /dev/null; sleep 1000 & kill -TERM $!; wait $!; echo $?" },
    { name: "a trap", script: "trap 'echo caught' USR1; sh -c 'kill -USR1 $PPID'; echo after" },
    {
      name: "an orphan gets process 1 as its parent",
      script:
        "sh -c '(exec sleep 5) & echo $!' > /tmp/p; awk '{print $4}' /proc/$(cat /tmp/p)/stat; kill $(cat /tmp/p)",
    },
    { name: "core pattern", script: "cat /proc/sys/kernel/core_pattern | wc -l" },
  ],
};
