import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Lets what comes by a link be led to 127.0.0.0/8 (NET-24; ip-sysctl: route_localnet). Where that was not so before,
 * `memory`, a file, remembers it for `returnLoopbackRouting`. Throws where there is no such link.
 */
export function borrowLoopbackRouting(link: string, memory: string): void {
  if (readFileSync(settingOf(link), 'utf8').trim() === '1') return;
  writeFileSync(memory, link);
  writeFileSync(settingOf(link), '1');
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
