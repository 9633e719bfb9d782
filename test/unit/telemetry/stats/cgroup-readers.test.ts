import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CgroupV1Reader } from '../../../../src/telemetry/stats/cgroup-v1-reader.ts';
import { CgroupV2Reader } from '../../../../src/telemetry/stats/cgroup-v2-reader.ts';
import { findCgroupRoots, openCgroupReader } from '../../../../src/telemetry/stats/find-cgroups.ts';
import { KernelFiles } from '../../../../src/telemetry/stats/kernel-file.ts';
import { makeScratch, type Scratch } from '../../../support/scratch.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch[Symbol.asyncDispose]());

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = scratch.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

const V2 = {
  'c/cpu.stat':
    'usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 7\nnr_throttled 2\nthrottled_usec 30\n',
  'c/memory.current': '5000\n',
  'c/memory.stat': 'anon 100\nfile 200\ninactive_file 1200\nactive_file 3\n',
  'c/memory.max': 'max\n',
  'c/memory.events': 'low 0\nhigh 0\nmax 9\noom 3\noom_kill 1\n',
  'c/io.stat': '8:0 rbytes=10 wbytes=20 rios=1 wios=2\n8:16 rbytes=1 wbytes=2 rios=1 wios=2\n',
  'c/pids.current': '4\n',
  'c/pids.max': 'max\n',
};

describe('cgroup version 2', () => {
  const open = () => new CgroupV2Reader(scratch.path('c'), new KernelFiles());

  it('is measured in ns, and bytes without inactive files (TMDS-41)', () => {
    write(V2);
    expect(open().sample()).toEqual({
      cpu: {
        total: 1_500_000,
        kernel: 500_000,
        user: 1_000_000,
        periods: 7,
        throttledPeriods: 2,
        throttledTime: 30_000,
      },
      memory: 3800,
      read: 11,
      written: 22,
    });
  });

  it('has no time by processor and no greatest use; absent keys of memory are 0 (TMDS-49, TMDS-114)', () => {
    write(V2);
    const reader = open();
    expect(reader.sample()?.cpu).not.toHaveProperty('perCpu');
    const details = reader.details();
    expect(details?.memory).not.toHaveProperty('maxUsage');
    expect(details?.memory).toMatchObject({ usage: 5000, failures: 3, limit: Number.POSITIVE_INFINITY });
    expect(Object.keys(details?.memory.stats ?? {})).toHaveLength(31);
    expect(details?.memory.stats).toMatchObject({ inactive_file: 1200, slab: 0 });
    expect(details?.pids).toEqual({ current: 4, limit: 0 });
    expect(details?.block.io_service_bytes_recursive).toEqual([
      { major: 8, minor: 0, op: 'read', value: 10 },
      { major: 8, minor: 0, op: 'write', value: 20 },
      { major: 8, minor: 16, op: 'read', value: 1 },
      { major: 8, minor: 16, op: 'write', value: 2 },
    ]);
    expect(details?.block.io_serviced_recursive).toBeNull();
  });

  it('tells nothing of a container that is gone', () => {
    write({ 'other/cpu.stat': '' });
    expect([open().sample(), open().details()]).toEqual([undefined, undefined]);
  });
});

describe('cgroup version 1', () => {
  const V1 = {
    'cpuacct/c/cpuacct.usage_percpu': '100 200 \n',
    'cpuacct/c/cpuacct.stat': 'user 3\nsystem 4\n',
    'cpu/c/cpu.stat': 'nr_periods 1\nnr_throttled 2\nthrottled_time 3\n',
    'memory/c/memory.usage_in_bytes': '9000\n',
    'memory/c/memory.max_usage_in_bytes': '9500\n',
    'memory/c/memory.failcnt': '5\n',
    'memory/c/memory.limit_in_bytes': '9223372036854771712\n',
    'memory/c/memory.stat': 'cache 4000\nrss 1\nswap 7\ntotal_cache 4000\nhierarchical_memory_limit 8\n',
    'blkio/c/blkio.throttle.io_service_bytes_recursive': '8:0 Read 5\n8:0 Write 6\n8:0 Total 11\nTotal 11\n',
    'pids/c/pids.current': '2\n',
    'pids/c/pids.max': '64\n',
  };
  const open = () => {
    const of = (controller: string) => scratch.path(join(controller, 'c'));
    const directories = {
      cpu: of('cpu'),
      cpuacct: of('cpuacct'),
      memory: of('memory'),
      blkio: of('blkio'),
      pids: of('pids'),
    };
    return new CgroupV1Reader(directories, new KernelFiles());
  };

  it('is measured in ns, and bytes without cache (OBS-60)', () => {
    write(V1);
    expect(open().sample()).toEqual({
      cpu: {
        total: 300,
        kernel: 40_000_000,
        user: 30_000_000,
        perCpu: [100, 200],
        periods: 1,
        throttledPeriods: 2,
        throttledTime: 3,
      },
      memory: 5000,
      read: 5,
      written: 6,
    });
  });

  it('has all eight lists of block devices, and what Docker shows of memory (TMDS-40, TMDS-49)', () => {
    write(V1);
    const details = open().details();
    expect(details?.block).toEqual({
      io_service_bytes_recursive: [
        { major: 8, minor: 0, op: 'Read', value: 5 },
        { major: 8, minor: 0, op: 'Write', value: 6 },
        { major: 8, minor: 0, op: 'Total', value: 11 },
      ],
      io_serviced_recursive: [],
      io_queue_recursive: [],
      io_service_time_recursive: [],
      io_wait_time_recursive: [],
      io_merged_recursive: [],
      io_time_recursive: [],
      sectors_recursive: [],
    });
    expect(details?.memory).toMatchObject({
      usage: 9000,
      maxUsage: 9500,
      failures: 5,
      stats: { cache: 4000, rss: 1, total_cache: 4000, hierarchical_memory_limit: 8 },
    });
    expect(details?.pids).toEqual({ current: 2, limit: 64 });
  });
});

describe('the cgroups of a process', () => {
  it('are those of this machine for this process', () => {
    const reader = openCgroupReader(findCgroupRoots(), { pid: process.pid, id: 'none' }, new KernelFiles());
    const first = reader?.sample();
    expect(first?.memory).toBeGreaterThan(0);
    const until = performance.now() + 50;
    while (performance.now() < until);
    expect((reader?.sample()?.cpu.total ?? 0) - (first?.cpu.total ?? 0)).toBeGreaterThan(30e6);
    reader?.close();
  });

  it('are the container’s own, also when a process has moved deeper', () => {
    write({ ...V2, proc: '0::/ecs/task/c-17/init.scope\n' });
    mkdirSync(scratch.path('ecs/task'), { recursive: true });
    rmSync(scratch.path('ecs/task'), { recursive: true });
    mkdirSync(scratch.path('ecs/task/c-17'), { recursive: true });
    writeFileSync(scratch.path('ecs/task/c-17/cpu.stat'), 'usage_usec 1\n');
    writeFileSync(scratch.path('ecs/task/c-17/memory.current'), '77\n');
    const files = new KernelFiles();
    const read = files.read.bind(files);
    files.read = (path) => read(path === '/proc/1/cgroup' ? scratch.path('proc') : path);
    const reader = openCgroupReader({ v1: new Map(), v2: scratch.path('') }, { pid: 1, id: 'c-17' }, files);
    expect(reader?.sample()?.memory).toBe(77);
  });

  it('are unknown once it has ended', () => {
    expect(
      openCgroupReader(findCgroupRoots(), { pid: 2 ** 22 + 1, id: 'x' }, new KernelFiles()),
    ).toBeUndefined();
  });
});
