import type { TarEntry } from '../../support/tar.ts';

/**
 * The program that looks around in a container and tells what it sees: a line `=== NAME` before each field. A field
 * that it cannot read says so, which fails the suite: two programs that see nothing would seem to see the same.
 *
 * It starts as few programs as it can, since a run starts it some two hundred times: applets without `busybox` in
 * front of them are run by the shell itself, and what is read is put into form by the reader of its output.
 */
const PROBE = `#!/bin/sh
exec 3>&1 2>&1
field() { echo "=== $1"; shift; "$@" 3>&- || echo UNREADABLE; }
attempt() { echo "=== may: $1"; shift; if "$@" </dev/null 3>&-; then echo "
yes"; else echo "
no"; fi; }
values() { busybox grep -H '' "$@"; }
field arguments busybox tr '\\0' '|' < /proc/1/cmdline
field 'own arguments' echo "$0 $*"
environment() { env | sort; }
field environment environment
directory() { pwd; stat -c '%U:%G %a' .; }
field directory directory
identity() { id -u; id -g; id -G; }
field identity identity
field status busybox grep -E '^(Umask|Groups|SigBlk|SigIgn|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status
field 'out-of-memory score' head -n 1 /proc/self/oom_score_adj
field limits head -n 99 /proc/self/limits
for namespace in cgroup ipc mnt net pid user uts; do
  field "namespace $namespace" readlink "/proc/self/ns/$namespace"
done
field mounts head -n 999 /proc/self/mountinfo
field cgroups head -n 99 /proc/self/cgroup
cgroups() {
  cd /sys/fs/cgroup || return
  set --
  for file in memory/memory.limit_in_bytes memory/memory.soft_limit_in_bytes memory/memory.memsw.limit_in_bytes \\
    memory/memory.swappiness memory/memory.oom_control cpu/cpu.shares cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us \\
    cpu/cpu.rt_runtime_us pids/pids.max cpuset/cpuset.cpus cpuset/cpuset.mems blkio/blkio.weight devices/devices.list; do
    if [ -f "$file" ]; then set -- "$@" "$file"; fi
  done
  [ $# = 0 ] || values "$@"
}
here=$PWD
field 'each cgroup' cgroups
devices() {
  find /dev ! -path '/dev/pts/*' ! -path '/dev/mqueue/*' ! -path '/dev/shm/*' ! -path '/dev/loop*' \\
    -exec busybox stat -c '%n %F %a %u:%g %t:%T' {} + | sort
}
field devices devices
hostname_seen() { hostname && head -n 9 /etc/hostname && head -n 1 /proc/sys/kernel/domainname; }
field hostname hostname_seen
field hosts head -n 999 /etc/hosts
field resolver head -n 999 /etc/resolv.conf
field passwd stat -c %s /etc/passwd
settings() {
  cd /proc/sys && values net/ipv4/ip_unprivileged_port_start net/ipv4/ping_group_range net/core/somaxconn \\
    net/ipv4/ip_forward net/ipv6/conf/all/disable_ipv6 kernel/shmmax kernel/shmmni kernel/sem kernel/msgmax \\
    kernel/msgmnb fs/mqueue/msg_max
}
field 'each setting' settings
cd "$here"
field interfaces ls -1 /sys/class/net
field links ip -o link
field addresses ip -o addr
field routes ip route
standard_input() { if test -t 0; then echo terminal; else readlink /proc/self/fd/0; fi; }
field 'standard input' standard_input
field terminal sh -c 'if test -t 4; then echo yes; else echo no; fi' 4>&3
volume() { for file in /volume /volume/*; do [ ! -e "$file" ] || stat -c '%A %U %G %n' "$file"; done; }
field volume volume
attempt 'write to the root' touch /written
attempt 'write to /tmp' touch /tmp/written
attempt 'write to /dev/shm' touch /dev/shm/written
opens() { ( : >> "$1" ); }
attempt 'write to /etc/hosts' opens /etc/hosts
runs() { cp /bin/busybox /tmp/busybox && /tmp/busybox true; }
attempt 'run from /tmp' runs
attempt 'make a user namespace' busybox unshare -U busybox true
attempt 'make a mount namespace' busybox unshare -m busybox true
attempt 'make a network namespace' busybox unshare -n busybox true
attempt mount busybox mount -t tmpfs none /tmp
attempt 'mount again' busybox mount -o remount,rw /proc/sys
attempt chroot chroot / /bin/busybox true
attempt 'make a device' mknod /tmp/device c 1 3
makes_and_opens() { mknod /tmp/kmsg c 1 11 && opens /tmp/kmsg; }
attempt 'make and open a device' makes_and_opens
attempt 'read the log of the kernel' sh -c 'busybox dmesg > /dev/null'
attempt 'reach itself by its name' busybox ping -c 1 -W 1 "$(hostname)"
attempt 'set the hostname' hostname changed
attempt 'set a priority' busybox renice -n -5 -p "$$"
attempt 'change an owner' chown 12345 /tmp
attempt 'change the user' busybox su -s /bin/true nobody
attempt 'send packets of its own' busybox ping -c 1 -W 1 127.0.0.1
reaches_gateway() { set -- $(ip route); [ "$1 $2" = 'default via' ] && busybox ping -c 1 -W 1 "$3"; }
attempt 'reach the gateway' reaches_gateway
attempt 'change an interface' ip link set lo up
attempt 'change a setting' opens /proc/sys/kernel/domainname
attempt 'change a setting of the host' opens /proc/sys/vm/swappiness
attempt 'open the emergency keys' opens /proc/sysrq-trigger
reads() { [ -n "$(head -c 1 "$1" | busybox tr '\\0' 0)" ]; }
attempt 'read memory of the kernel' reads /proc/kcore
attempt 'read timers' reads /proc/timer_list
attempt 'write to /sys' opens /sys/kernel/uevent_helper
makes_cgroup() { mkdir /sys/fs/cgroup/pids/made && rmdir /sys/fs/cgroup/pids/made; }
attempt 'make a cgroup' makes_cgroup
attempt 'signal the init' kill -0 1
attempt 'trace the init' readlink /proc/1/exe
raises() { ( ulimit -c unlimited ); }
attempt 'raise a limit' raises
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
  const fields = blocks.map((block): readonly [string, string] => {
    const end = block.indexOf('\n');
    return [block.slice(0, end), block.slice(end + 1).trimEnd()];
  });
  if (!fields.some(([name]) => name === 'end'))
    throw new Error(`the probe did not come to its end:\n${output}`);
  const unreadable = fields.filter(([, text]) => /^UNREADABLE$/m.test(text));
  if (unreadable.length > 0)
    throw new Error(
      `the probe could not read ${unreadable.map(([name, text]) => `${name} (${text})`).join(', ')}`,
    );
  return new Map(fields.filter(([name]) => name !== 'end').flatMap(inForm));
}

/** One field as it is compared; of those that hold many values, one for each. */
function inForm([name, text]: readonly [string, string]): readonly (readonly [string, string])[] {
  if (name.startsWith('each ')) return eachOf(name.slice('each '.length), text);
  if (name.startsWith('may: ')) return [[name, answerOf(text)]];
  const ordered = (separator: string) => text.split(separator).sort().join(separator);
  switch (name) {
    case 'identity':
      return [
        [
          name,
          text
            .split('\n')
            .map((line) => line.split(' ').sort().join(' '))
            .join('\n'),
        ],
      ];
    case 'interfaces':
      return [[name, ordered('\n')]];
    case 'standard input':
      return [[name, text.replace(/:.*/, '').replace(/^\/dev\/pts\/.*/, 'terminal')]];
    default:
      return [[name, text]];
  }
}

/** Lines `FILE:VALUE`, several for a file that has several. */
function eachOf(kind: string, text: string): readonly (readonly [string, string])[] {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const end = line.indexOf(':');
    const [file, value] = [`${kind} ${line.slice(0, end)}`, line.slice(end + 1)];
    const before = values.get(file);
    values.set(file, before === undefined ? value : `${before}\n${value}`);
  }
  return [...values];
}

/** `yes`, or `no` and the last words of who refused. */
function answerOf(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const answer = lines.pop();
  return answer === 'yes' ? 'yes' : `no: ${lines.at(-1)?.replace(/.*: /, '') ?? ''}`;
}
