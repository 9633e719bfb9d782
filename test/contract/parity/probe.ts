import type { TarEntry } from '../../support/tar.ts';

/**
 * The program that looks around in a container and tells what it sees: a line `=== NAME` before each field. A field
 * that it cannot read says so, which fails the suite: two programs that see nothing would seem to see the same.
 */
const PROBE = `#!/bin/sh
exec 3>&1 2>&1
field() {
  name=$1; shift
  echo "=== $name"
  if text=$("$@" 2>&1 3>&-); then echo "$text"; else echo "UNREADABLE $text"; fi
}
attempt() {
  name=$1; shift
  echo "=== may: $name"
  if text=$("$@" 2>&1 3>&- </dev/null); then echo yes; else echo "no: $text" | busybox sed 's/.*: //' | busybox tail -n 1; fi
}
cgroup() {
  if [ -f "/sys/fs/cgroup/$1" ]; then field "cgroup $1" busybox cat "/sys/fs/cgroup/$1"; fi
}
sees() { busybox sh -c "$1"; }
field arguments sees 'busybox tr "\\0" "|" < /proc/1/cmdline'
field 'own arguments' echo "$0 $*"
field environment sees 'busybox env | busybox sort'
field directory sees 'busybox pwd; busybox stat -c "%U:%G %a" .'
field identity sees 'busybox id -u; busybox id -g; busybox id -G | busybox tr " " "\\n" | busybox sort -n | busybox tr "\\n" " "'
field status busybox grep -E '^(Umask|Groups|SigBlk|SigIgn|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status
field 'out-of-memory score' busybox cat /proc/self/oom_score_adj
field limits busybox cat /proc/self/limits
for namespace in cgroup ipc mnt net pid user uts; do
  field "namespace $namespace" busybox readlink "/proc/self/ns/$namespace"
done
field mounts busybox cat /proc/self/mountinfo
field cgroups busybox cat /proc/self/cgroup
for file in memory/memory.limit_in_bytes memory/memory.soft_limit_in_bytes memory/memory.memsw.limit_in_bytes \\
  memory/memory.swappiness memory/memory.oom_control cpu/cpu.shares cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us \\
  cpu/cpu.rt_runtime_us pids/pids.max cpuset/cpuset.cpus cpuset/cpuset.mems blkio/blkio.weight devices/devices.list; do
  cgroup $file
done
field devices sees 'busybox find /dev ! -path "/dev/pts/*" ! -path "/dev/mqueue/*" ! -path "/dev/shm/*" -exec busybox stat -c "%n %F %a %u:%g %t:%T" {} \\; | busybox sort'
field hostname sees 'busybox hostname; busybox cat /etc/hostname; busybox cat /proc/sys/kernel/domainname'
field hosts busybox cat /etc/hosts
field resolver busybox cat /etc/resolv.conf
field passwd sees 'busybox wc -c < /etc/passwd'
for setting in net/ipv4/ip_unprivileged_port_start net/ipv4/ping_group_range net/core/somaxconn net/ipv4/ip_forward \\
  kernel/shmmax kernel/shmmni kernel/sem kernel/msgmax kernel/msgmnb fs/mqueue/msg_max; do
  field "setting $setting" busybox cat "/proc/sys/$setting"
done
field interfaces sees 'busybox ls /sys/class/net | busybox sort'
field 'standard input' sees '{ test -t 0 && echo terminal || busybox readlink /proc/1/fd/0; } | busybox sed "s/:.*//;s,^/dev/pts/.*,terminal,"'
field terminal sees 'test -t 3 && echo yes || echo no' 3>&3
field 'volume' sees 'busybox ls -la /volume 2>/dev/null | busybox awk "{print \\$1,\\$3,\\$4,\\$NF}" || true'
attempt 'write to the root' busybox touch /written
attempt 'write to /tmp' busybox touch /tmp/written
attempt 'write to /dev/shm' busybox touch /dev/shm/written
attempt 'write to /etc/hosts' busybox sh -c ': >> /etc/hosts'
attempt 'run from /tmp' busybox sh -c 'busybox cp /bin/busybox /tmp/busybox && /tmp/busybox true'
attempt 'make a user namespace' busybox unshare -U busybox true
attempt 'make a mount namespace' busybox unshare -m busybox true
attempt 'make a network namespace' busybox unshare -n busybox true
attempt mount busybox mount -t tmpfs none /tmp
attempt 'mount again' busybox mount -o remount,rw /proc/sys
attempt chroot busybox chroot / busybox true
attempt 'make a device' busybox mknod /tmp/device c 1 3
attempt 'make and open a device' busybox sh -c 'busybox mknod /tmp/kmsg c 1 11 && : > /tmp/kmsg'
attempt 'read the log of the kernel' busybox dmesg
attempt 'set the hostname' busybox hostname changed
attempt 'set a priority' busybox nice -n -5 busybox true
attempt 'change an owner' busybox chown 12345 /tmp
attempt 'change the user' busybox su -s /bin/true nobody
attempt 'send packets of its own' busybox ping -c 1 -W 1 127.0.0.1
attempt 'change an interface' busybox ip link set lo up
attempt 'change a setting' busybox sh -c ': > /proc/sys/kernel/domainname'
attempt 'change a setting of the host' busybox sh -c ': > /proc/sys/vm/swappiness'
attempt 'open the emergency keys' busybox sh -c ': > /proc/sysrq-trigger'
attempt 'read memory of the kernel' busybox sh -c 'busybox head -c 1 /proc/kcore | busybox grep -q .'
attempt 'read timers' busybox sh -c 'busybox head -c 1 /proc/timer_list | busybox grep -q .'
attempt 'write to /sys' busybox sh -c ': > /sys/kernel/uevent_helper'
attempt 'make a cgroup' busybox sh -c 'busybox mkdir /sys/fs/cgroup/pids/made && busybox rmdir /sys/fs/cgroup/pids/made'
attempt 'kill the init' busybox kill -0 1
attempt 'trace the init' busybox sh -c 'busybox readlink /proc/1/exe'
attempt 'raise a limit' busybox sh -c 'ulimit -c unlimited'
echo '=== end'
echo yes
`;

/** A layer with the probe, a volume with something in it, and a program that only root can run with. */
export function probeLayer(): readonly TarEntry[] {
  return [
    { path: 'bin/probe', type: 'file', mode: 0o755, content: PROBE },
    { path: 'volume', type: 'directory', mode: 0o750, uid: 1000, gid: 44 },
    { path: 'volume/kept', type: 'file', mode: 0o640, uid: 1000, gid: 44, content: 'of the image' },
  ];
}

/** What the probe saw, by field. Throws when it did not come to its end, or could not read a field. */
export function parseSight(output: string): ReadonlyMap<string, string> {
  const blocks = output.replaceAll('\r', '').split(/^=== /m).slice(1);
  const fields = new Map(
    blocks.map((block) => {
      const end = block.indexOf('\n');
      return [block.slice(0, end), block.slice(end + 1).trimEnd()];
    }),
  );
  if (!fields.has('end')) throw new Error(`the probe did not come to its end:\n${output}`);
  const unreadable = [...fields].filter(([, text]) => text.startsWith('UNREADABLE'));
  if (unreadable.length > 0)
    throw new Error(
      `the probe could not read ${unreadable.map(([name, text]) => `${name} (${text})`).join(', ')}`,
    );
  fields.delete('end');
  return fields;
}
