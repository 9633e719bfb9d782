import { readFileSync } from 'node:fs';
import type { TarEntry } from './tar.ts';

const APPLETS = `
  sh ash awk cat chmod chown cp cut date dd df dirname echo env expr false find grep head hexdump
  hostname id ifconfig ip kill ln ls mkdir mkfifo mount mv nc nohup nproc nslookup od ping printenv
  printf ps pwd readlink rm route sed seq setsid sleep sort stat sync sysctl tail tee test timeout
  touch tr true umount uname uniq vi wc wget whoami xargs yes httpd telnet nice usleep mktemp tty stty
`
  .trim()
  .split(/\s+/); // biome-ignore format: one word a line would hide the list

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/:/bin/false
app:x:1000:1000:app:/home/app:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
`;
const GROUP = `root:x:0:
daemon:x:1:
extra:x:44:app
app:x:1000:
nogroup:x:65534:
`;

/** A tiny system around the host's static busybox: shell and applets, users root, app (1000) and nobody. */
export function busyboxLayer(): TarEntry[] {
  return [
    ...['bin', 'dev', 'etc', 'home', 'proc', 'root', 'run', 'sys', 'usr', 'usr/bin', 'var'].map(
      (path) => ({ path, type: 'directory' }) as const,
    ),
    { path: 'tmp', type: 'directory', mode: 0o1777 },
    { path: 'home/app', type: 'directory', uid: 1000, gid: 1000 },
    { path: 'bin/busybox', type: 'file', mode: 0o755, content: readFileSync('/bin/busybox') },
    ...APPLETS.map((name) => ({ path: `bin/${name}`, type: 'symlink', target: 'busybox' }) as const),
    { path: 'usr/bin/env', type: 'symlink', target: '/bin/busybox' },
    { path: 'etc/passwd', type: 'file', content: PASSWD },
    { path: 'etc/group', type: 'file', content: GROUP },
    { path: 'etc/hostname', type: 'file', content: '' },
  ];
}

/** A layer with one file of this many bytes that do not compress; the seed makes its bytes and its path. */
export function bulkLayer(bytes: number, seed: number): TarEntry[] {
  const content = Buffer.alloc(bytes);
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let offset = 0; offset < bytes; offset++) {
    // xorshift32: the same bytes in every run, and digests with them
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    content[offset] = state & 0xff;
  }
  return [{ path: `bulk-${seed}`, type: 'file', content }];
}
