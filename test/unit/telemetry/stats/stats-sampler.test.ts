import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findCgroupRoots } from '../../../../src/telemetry/stats/find-cgroups.ts';
import { parseHostCpu, parseInterfaces, parseMemTotal } from '../../../../src/telemetry/stats/proc-files.ts';
import { StatsSampler, type WatchedContainer } from '../../../../src/telemetry/stats/stats-sampler.ts';
import { ManualClock } from '../../acs/manual-clock.ts';

interface Stats {
  readonly read: string;
  readonly preread: string;
  readonly cpu_stats: object;
  readonly precpu_stats: object;
  readonly memory_stats: { readonly limit: number };
  readonly num_procs: number;
  readonly storage_stats: object;
  readonly networks?: object;
}

/** This process plays the container. */
const container: WatchedContainer = {
  id: 'c',
  name: 'ecs-web-1-app-00',
  pid: process.pid,
  hasInterfaces: true,
};
let watched: WatchedContainer[] = [container];
let clock: ManualClock;
let sampler: StatsSampler;
const troubles: unknown[] = [];

beforeEach(() => {
  watched = [container];
  clock = new ManualClock();
  sampler = new StatsSampler({
    watched: () => watched,
    intervalMs: 1000,
    cores: 2,
    onTrouble: (error) => troubles.push(error),
    clock,
    monotonic: () => clock.now(),
    roots: findCgroupRoots(),
  });
});
afterEach(() => {
  sampler.stop();
  expect(troubles).toEqual([]);
});

const stats = () => sampler.statsOf('c') as Stats;

it('shows what is now beside the sample a second before (TMDS-43, TMDS-115)', async () => {
  sampler.start();
  const first = stats();
  await clock.advance(1000);
  const second = stats();
  expect(second.precpu_stats).toEqual(first.precpu_stats);
  expect(second.preread).toBe(first.preread);
  expect(Date.parse(second.read) - Date.parse(second.preread)).toBe(1000);
  expect(second).toMatchObject({ num_procs: 0, storage_stats: {}, name: '/ecs-web-1-app-00', id: 'c' });
});

it('measures one that has started, and no longer one that has ended (TMDS-136)', async () => {
  watched = [];
  sampler.start();
  expect(sampler.statsOf('c')).toBeUndefined();
  watched = [container];
  await clock.advance(1000);
  expect(sampler.statsOf('c')).toMatchObject({ id: 'c' });
  expect(sampler.takeUnsent('c')).toBeUndefined();
  await clock.advance(1000);
  expect(sampler.takeUnsent('c')).toHaveLength(2);
  expect(sampler.takeUnsent('c')).toBeUndefined();
  watched = [];
  await clock.advance(1000);
  expect(sampler.statsOf('c')).toBeUndefined();
});

it('has rates of the network after two samples (TMDS-46)', async () => {
  sampler.start();
  expect(sampler.ratesOf('c')).toBeUndefined();
  await clock.advance(1000);
  expect(Object.keys(stats().networks ?? {})).not.toContain('lo');
});

it('takes the host’s memory for the limit of a container without one (TMDS-42)', () => {
  sampler.start();
  const total = parseMemTotal(readFileSync('/proc/meminfo', 'utf8'));
  expect(stats().memory_stats.limit).toBeLessThanOrEqual(total);
  expect(total).toBeGreaterThan(0);
});

it('leaves out a container whose process has ended meanwhile', () => {
  watched = [{ ...container, id: 'gone', pid: 2 ** 22 + 1 }];
  sampler.start();
  expect(sampler.statsOf('gone')).toBeUndefined();
});

it('counts the host’s processors and their time (TMDS-44)', () => {
  const text = 'cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu1 0 0 0 0 0 0 0 0 0 0\nintr 5\n';
  expect(parseHostCpu(text)).toEqual({ system: 28 * 1e7, online: 2 });
});

it('reads every interface but the loopback (TMDS-116)', () => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0',
    '  eth0:626 7 1 2 0 0 0 0 42 3 4 5 0 0 0 0',
    '',
  ].join('\n');
  expect([...parseInterfaces(text)]).toEqual([
    [
      'eth0',
      {
        rxBytes: 626,
        rxPackets: 7,
        rxErrors: 1,
        rxDropped: 2,
        txBytes: 42,
        txPackets: 3,
        txErrors: 4,
        txDropped: 5,
      },
    ],
  ]);
});
