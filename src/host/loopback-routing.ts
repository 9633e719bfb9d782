import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** Lets what comes and goes by a link have addresses of 127.0.0.0/8 (NET-24; ip-sysctl: route_localnet). */
export function allowLoopbackRouting(link: string): void {
  writeFileSync(settingOf(link), '1');
}

/**
 * The same for a link of somebody else's. Where it was not so before, `memory`, a file, remembers that for
 * `returnLoopbackRouting`. Throws where there is no such link.
 */
export function borrowLoopbackRouting(link: string, memory: string): void {
  if (readFileSync(settingOf(link), 'utf8').trim() === '1') return;
  writeFileSync(memory, link);
  allowLoopbackRouting(link);
}

/** Undoes what the file remembers; no file, or the link is gone: success. */
export function returnLoopbackRouting(memory: string): void {
  if (!existsSync(memory)) return;
  const setting = settingOf(readFileSync(memory, 'utf8'));
  if (existsSync(setting)) writeFileSync(setting, '0');
  rmSync(memory, { force: true });
}

function settingOf(link: string): string {
  return `/proc/sys/net/ipv4/conf/${link}/route_localnet`;
}
