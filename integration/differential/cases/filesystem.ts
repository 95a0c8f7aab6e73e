/** What the mounts, devices and files of a container are like. */
import type { Shared } from "../case.ts";
import { without } from "../normalise.ts";

/** What libcrun and runc cover with mounts of their own. */
const COVERS = /^\/(proc\/(acpi|asound|interrupts|kcore|keys|latency_stats|sched_debug|scsi|timer_)|sys\/firmware)/;

export const DEFAULT_FILES: Shared = {
  name: "files of a container as ctr makes it",
  everywhere: true,
  scripts: [
    { name: "root directory", script: "ls -lan / | awk 'NR > 1 {print $1, $3, $4, $9}'" },
    {
      name: "names in /dev",
      script: "ls /dev",
      differs: ["core", without(/^core$/)],
    },
    { name: "device nodes", script: "cd /dev; stat -c '%n %F %t:%T %a %u:%g' full null ptmx random tty urandom zero" },
    { name: "links in /dev", script: "cd /dev; for f in fd stdin stdout stderr ptmx; do readlink $f; done" },
    { name: "null, zero and full", script: "echo x > /dev/null; head -c 3 /dev/zero | od -c; echo x > /dev/full" },
    {
      name: "making a harmless node",
      script: "mknod /tmp/null c 1 3 && echo x > /tmp/null && stat -c '%F %t:%T' /tmp/null",
    },
    {
      name: "a disk's node cannot be opened",
      script: "mknod /tmp/sda b 8 0; head -c 1 /tmp/sda; mknod /tmp/mem c 1 1; head -c 1 /tmp/mem",
    },
    {
      name: "mount points and types",
      script: "awk '$2 != \"/\" && $2 !~ /cgroup/ {print $2, $3}' /proc/mounts",
      differs: ["masks", without(COVERS)],
    },
    {
      name: "mount options",
      script: "awk '$2 != \"/\" && $2 !~ /cgroup/ {print $2, $4}' /proc/mounts",
      differs: ["masks", without(COVERS)],
    },
    {
      name: "propagation",
      script: "awk '$5 !~ /cgroup/ {print $5, $7}' /proc/self/mountinfo",
      differs: ["masks", without(COVERS)],
    },
    { name: "mounting is refused", script: "mount -t tmpfs none /tmp; umount /proc" },
    {
      name: "masked files",
      script: "for f in keys timer_list; do cat /proc/$f | wc -c; echo x > /proc/$f; done",
    },
    { name: "masked firmware", script: "ls /sys/firmware 2>&1 | wc -l" },
    {
      name: "read-only /proc",
      script: "echo 1 > /proc/sys/kernel/panic; echo h > /proc/sysrq-trigger; mkdir /proc/sys/x; touch /proc/irq/x",
    },
    {
      name: "read-only /sys",
      script: "mkdir /sys/x; echo 1 > /sys/kernel/profiling; ls -d /sys/kernel /sys/class /sys/fs/cgroup",
    },
    {
      name: "size of /dev/shm",
      script: "df -k /dev/shm | awk 'NR > 1 {print $2}'; stat -c '%a %u:%g' /dev/shm /dev/mqueue /dev/pts /run /tmp",
    },
    {
      name: "shared memory is for everybody",
      script: "su nobody -s /bin/sh -c 'echo x > /dev/shm/f; cat /dev/shm/f'; rm /dev/shm/f",
    },
    {
      name: "writing, appending, truncating",
      script:
        "cd /root; echo one > f; echo two >> f; cat f | tr a-z A-Z; truncate -s 2 f; cat f; stat -c '%s %a %u:%g' f",
    },
    {
      name: "links, hard and symbolic",
      script: "cd /root; echo x > a; ln a b; ln -s a c; stat -c '%h' a; readlink c; rm a; cat b; cat c",
    },
    {
      name: "renaming files and directories",
      script:
        "cd /root; mkdir -p d/e; echo x > d/e/f; mv d g; cat g/e/f; mv /etc/group /etc/group2; cat /etc/group2; mv /etc /etc2; ls /etc2 && mv /etc2 /etc",
    },
    {
      name: "modes and owners",
      script:
        "cd /root; echo x > m; chmod 4751 m; stat -c %a m; chown 12:34 m; stat -c '%a %u:%g' m; chmod 1777 .; stat -c %a .",
    },
    { name: "times", script: "cd /root; touch -d '2001-02-03 04:05:06' t; stat -c '%Y %y' t" },
    {
      name: "a file that is removed while it is open",
      script: "cd /root; echo kept > o; exec 3< o; rm o; cat <&3; ls o",
    },
    {
      name: "a sparse file",
      script:
        "cd /root; dd if=/dev/zero of=s bs=1 count=1 seek=1073741823 2> /dev/null; stat -c %s s; du -k s | awk '{print ($1 < 100)}'",
    },
    { name: "named pipes", script: "cd /root; mkfifo p; (echo through > p) & cat p; stat -c %F p" },
    { name: "locks", script: "cd /root; touch l; flock l sh -c 'flock -n l echo second; echo $?'" },
    {
      name: "names of every kind",
      script:
        "cd /root; mkdir n; cd n; touch 'a b' é '*' $'new\\nline' .hidden; ls -A | od -c; touch $(printf '%0300d' 0)",
    },
    {
      name: "a deep directory",
      script: "cd /root; d=$(printf 'd/%.0s' $(seq 200)); mkdir -p $d; echo x > $d/f; cat $d/f; rm -r d; ls",
    },
    {
      name: "a thousand files",
      script:
        "mkdir /root/k; cd /root/k; touch $(seq 1000); ls | wc -l; rm $(seq 1 2 1000); ls | wc -l; ls | sort -n | tail -n 1",
    },
    {
      name: "programs that are written are run",
      script:
        "cd /root; printf '#!/bin/sh\\necho run $1\\n' > prog; chmod +x prog; ./prog it; cp /bin/busybox b; ./b echo copied",
    },
    {
      name: "errors of the file system",
      script: "cd /root; mkdir q; rmdir /bin; cat /none; echo x > /bin; rm q; ln /bin d; cd /etc/passwd; mkdir /etc",
    },
  ],
};
