import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NAMESPACE_PAUSE, withInternalContainers } from '../../../../src/task/internal-containers.ts';
import type { ContainerState, TaskState } from '../../../../src/task/task-state.ts';
import { findCgroupRoots } from '../../../../src/telemetry/stats/find-cgroups.ts';
import {
  encodeKeptCounters,
  type KeptCounters,
  parseKeptCounters,
} from '../../../../src/telemetry/stats/kept-counters.ts';
import { KernelFiles } from '../../../../src/telemetry/stats/kernel-file.ts';
import { metricsRequests } from '../../../../src/telemetry/stats/metrics-requests.ts';
import { parseHostCpu, parseInterfaces, parseMemTotal } from '../../../../src/telemetry/stats/proc-files.ts';
import { StatsSampler, type WatchedContainer } from '../../../../src/telemetry/stats/stats-sampler.ts';
import { takeMeasurements, watchedContainers } from '../../../../src/telemetry/stats/watched-tasks.ts';
import { makeScratch } from '../../../support/scratch.ts';
import { ManualClock } from '../../acs/manual-clock.ts';
import { sampleContainerSpec, sampleContainerState, sampleTask } from '../../store/sample-task.ts';

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
  expect(sampler.takeUnsent('c')?.measurements).toHaveLength(2);
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

/** Cgroups of the runs of one container, told by their pids from 1001 on. */
class Runs extends KernelFiles {
  readonly #directory: string;

  constructor(directory: string, usageUs: readonly number[]) {
    super();
    this.#directory = directory;
    usageUs.forEach((usage, index) => {
      const cgroup = join(directory, `run${1001 + index}`);
      mkdirSync(cgroup);
      writeFileSync(join(cgroup, 'cpu.stat'), `usage_usec ${usage}\nuser_usec 0\nsystem_usec 0\n`);
      for (const [name, text] of Object.entries({ 'memory.current': '1', 'memory.stat': '', 'io.stat': '' }))
        writeFileSync(join(cgroup, name), text);
    });
  }

  override read(path: string): string | undefined {
    const pid = /^\/proc\/(\d+)\/cgroup$/.exec(path)?.[1];
    return pid === undefined ? super.read(path) : `0::/run${pid}\n`;
  }

  get roots() {
    return { v1: new Map<string, string>(), v2: this.#directory };
  }
}

it('goes on counting where the run before ended, and tells restarts once (TMDS-48, TCS-28, TCS-50)', async () => {
  await using scratch = makeScratch();
  const files = new Runs(scratch.directory, [9_000_000, 1000]);
  const policy = { ...container, hasInterfaces: false, pid: 1001, restarts: 1 };
  watched = [policy];
  sampler = new StatsSampler({
    watched: () => watched,
    intervalMs: 1000,
    cores: 2,
    onTrouble: (error) => troubles.push(error),
    clock,
    monotonic: () => clock.now(),
    files,
    roots: files.roots,
  });
  const rounds = async (count: number) => {
    for (let n = 0; n < count; n += 1) {
      sampler.round();
      await clock.advance(1000);
    }
  };
  await rounds(2);
  expect(sampler.takeUnsent('c')).toMatchObject({ restarts: 0 });
  watched = [{ ...policy, pid: 1002, restarts: 3 }];
  await rounds(2);
  const unsent = sampler.takeUnsent('c');
  expect(unsent?.restarts).toBe(2);
  // A millisecond of one of two processors in the first second, not the nine seconds of the run before taken back.
  expect(unsent?.measurements.map(({ cpuPercent }) => cpuPercent)).toEqual([0.05, 0]);
  expect(sampler.statsOf('c')).toMatchObject({ cpu_stats: { cpu_usage: { total_usage: 9_001_000e3 } } });
  await rounds(1);
  expect(sampler.takeUnsent('c')).toMatchObject({ restarts: 0 });
});

it.each([
  ['the same run', 1002, 9_001_000e3],
  ['a run that it has not seen begin', 1003, 9_003_000e3],
])('goes on counting in a later process, in %s (TMDS-48, TCS-28)', async (_run, pid, total) => {
  await using scratch = makeScratch();
  const files = new Runs(scratch.directory, [9_000_000, 1000, 2000]);
  const open = (kept?: ReadonlyMap<string, KeptCounters>) =>
    new StatsSampler({
      watched: () => watched,
      intervalMs: 1000,
      cores: 2,
      onTrouble: (error) => troubles.push(error),
      onRunBegun: () => begun.push(watched[0]?.pid),
      clock,
      files,
      roots: files.roots,
      ...(kept !== undefined && { kept }),
    });
  const begun: unknown[] = [];
  const of = (pid: number): WatchedContainer => ({ ...container, hasInterfaces: false, pid, restarts: 1 });
  const first = open();
  for (const run of [1001, 1002]) {
    watched = [of(run)];
    first.round();
  }
  const text = encodeKeptCounters(first.keptCounters());
  first.stop();
  watched = [of(pid)];
  const second = open(parseKeptCounters(text));
  second.round();
  expect(second.statsOf('c')).toMatchObject({ cpu_stats: { cpu_usage: { total_usage: total } } });
  expect(begun).toEqual(pid === 1002 ? [1002] : [1002, 1003]);
  second.stop();
});

it('keeps no counters of containers that are never restarted', () => {
  sampler.round();
  expect(sampler.keptCounters()).toEqual(new Map());
});

it('gives a cycle of 20 s a sample a second (TCS-46, OBS-58)', async () => {
  sampler.start();
  await clock.advance(500);
  for (let cycle = 0; cycle < 2; cycle += 1) {
    await clock.advance(20_000);
    const { length } = sampler.takeUnsent('c')?.measurements ?? [];
    expect([18, 19, 20, 21]).toContain(length);
    if (cycle > 0) expect(length).toBe(20);
  }
});

it('measures running containers of all tasks, each with its own interfaces in bridge mode (TCS-25, TCS-63)', () => {
  const state = sampleContainerState('app');
  const spec = { ...sampleTask('t').spec, networkMode: 'bridge' as const };
  const task = (containers: readonly ContainerState[]) => [sampleTask('t', { spec, containers })];
  const running = { ...state, pid: process.pid };
  const other = { ...running, name: 'other', pid: process.ppid };
  expect(
    watchedContainers(task([running, other])).map(({ pid, hasInterfaces }) => [pid, hasInterfaces]),
  ).toEqual([
    [process.pid, true],
    [process.ppid, true],
  ]);
  const sharing = withInternalContainers({ ...spec, pidMode: 'task' });
  const pause = { ...running, name: NAMESPACE_PAUSE };
  const withPause = [sampleTask('t', { spec: sharing, containers: [running, pause] })];
  expect(watchedContainers(withPause).map(({ pid }) => pid)).toEqual([process.pid]);
  const ended = { ...running, known: 'STOPPED' as const };
  expect(watchedContainers(task([ended]))).toEqual([]);
  expect(takeMeasurements(task([ended]), sampler)).toMatchObject([{ containers: [] }]);
});

/** Two processes of one network namespace. */
class OneNamespace extends KernelFiles {
  override read(path: string): string | undefined {
    const dev =
      'Inter-|\n face |\n  lo: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\n  eth0: 626 7 0 0 0 0 0 0 42 3 0 0 0 0 0 0\n';
    return path.endsWith('/net/dev') ? dev : super.read(path);
  }
}

/** What ECS is told of the containers of tasks, from one report to the next. */
class ReportedMetrics {
  tasks: readonly TaskState[];

  constructor(tasks: readonly TaskState[]) {
    this.tasks = tasks;
    sampler = new StatsSampler({
      watched: () => watchedContainers(this.tasks),
      intervalMs: 1000,
      cores: 2,
      onTrouble: (error) => troubles.push(error),
      clock,
      monotonic: () => clock.now(),
      files: new OneNamespace(),
    });
    sampler.start();
  }

  async next() {
    await clock.advance(1000);
    const measured = takeMeasurements(this.tasks, sampler);
    const [request] = metricsRequests({ cluster: 'c', containerInstance: 'i' }, measured, clock.now());
    if (request?.type !== 'PublishMetricsRequest') throw new Error('there is no request');
    return request.message.taskMetrics?.[0]?.containerMetrics ?? [];
  }
}

it('has no network of containers in host mode (OBS-61)', async () => {
  const containers = [{ ...sampleContainerState('app'), pid: process.pid }];
  const metrics = await new ReportedMetrics([sampleTask('t', { containers })]).next();
  expect(metrics.map(({ containerName }) => containerName)).toEqual(['app']);
  expect(metrics[0]).not.toHaveProperty('networkStatsSet');
});

it('has what still runs of a task that stops, and no longer what has ended (OBS-67, OBS-68)', async () => {
  const spec = {
    ...sampleTask('t').spec,
    containers: [sampleContainerSpec('app'), sampleContainerSpec('side')],
  };
  const app = { ...sampleContainerState('app'), pid: process.pid };
  const side = { ...sampleContainerState('side'), pid: process.ppid };
  const reports = new ReportedMetrics([sampleTask('t', { spec, containers: [app, side] })]);
  const names = async () => (await reports.next()).map(({ containerName }) => containerName);
  expect(await names()).toEqual(['app', 'side']);
  const stopping = { ...app, desired: 'STOPPED' as const };
  const ended = { ...side, known: 'STOPPED' as const };
  reports.tasks = [sampleTask('t', { spec, desired: 'STOPPED', containers: [stopping, ended] })];
  expect(await names()).toEqual(['app']);
});

it('has the numbers of the ENI on every container in awsvpc mode (TCS-48)', async () => {
  const spec = {
    ...sampleTask('t').spec,
    networkMode: 'awsvpc' as const,
    containers: [sampleContainerSpec('app'), sampleContainerSpec('side')],
  };
  const containers = ['app', 'side'].map((name, index) => ({
    ...sampleContainerState(name),
    pid: index === 0 ? process.pid : process.ppid,
  }));
  const reports = new ReportedMetrics([sampleTask('t', { spec, containers })]);
  const metrics = await reports.next();
  expect(metrics.map(({ containerName, networkStatsSet }) => [containerName, networkStatsSet])).toEqual(
    ['app', 'side'].map((name) => [
      name,
      expect.objectContaining({
        rxBytes: expect.objectContaining({ min: 626, max: 626, sum: 1252, sampleCount: 2 }),
        txPackets: expect.objectContaining({ sum: 6 }),
      }),
    ]),
  );
});
