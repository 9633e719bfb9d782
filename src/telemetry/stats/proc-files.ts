import type { HostCpu, InterfaceCounters } from './sample.ts';

/** Of /proc/stat: the kernel's USER_HZ is 100 on every architecture that ECS knows. */
export const NS_PER_TICK = 1e7;

/** The host's processor time in the text of /proc/stat: user, nice, system, idle, iowait, irq, softirq (TMDS-44). */
export function parseHostCpu(stat: string): HostCpu {
  const [, ...fields] = stat.slice(0, stat.indexOf('\n')).split(/\s+/);
  const ticks = fields.slice(0, 7).reduce((sum, field) => sum + Number(field), 0);
  let online = 0;
  for (const _ of stat.matchAll(/^cpu\d/gm)) online += 1;
  return { system: ticks * NS_PER_TICK, online };
}

/** Total memory in the text of /proc/meminfo, bytes. */
export function parseMemTotal(meminfo: string): number {
  return Number(/^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) * 1024;
}

/** Interfaces in the text of /proc/PID/net/dev; the loopback is none of a task's (TMDS-116). */
export function parseInterfaces(dev: string): ReadonlyMap<string, InterfaceCounters> {
  const interfaces = new Map<string, InterfaceCounters>();
  for (const line of dev.split('\n').slice(2)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim();
    if (name === '' || name === 'lo') continue;
    const [
      rxBytes = 0,
      rxPackets = 0,
      rxErrors = 0,
      rxDropped = 0,
      ,
      ,
      ,
      ,
      txBytes = 0,
      txPackets = 0,
      txErrors = 0,
      txDropped = 0,
    ] = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    interfaces.set(name, {
      rxBytes,
      rxPackets,
      rxErrors,
      rxDropped,
      txBytes,
      txPackets,
      txErrors,
      txDropped,
    });
  }
  return interfaces;
}

/** Numbers by name in a file of `name value` lines. */
export function parseFlat(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) values.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return values;
}

/** One number of a file of `name value` lines, without looking at the others; 0 when it is not there. */
export function flatValue(text: string, name: string): number {
  const start = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1;
  if (start === 0 && !text.startsWith(`${name} `)) return 0;
  return Number.parseInt(text.slice(start + name.length + 1), 10);
}
