import { expect, test } from 'vitest';
import { cgroupValues, cpuWeight, v1Files, v2Files } from '../../../src/resource/cgroup-values.ts';
import type { TaskLimits } from '../../../src/resource/task-cgroups.ts';

const settings = { cpuPeriodUs: 100_000 };
const v1 = (limits: TaskLimits, extra = {}) =>
  Object.fromEntries(
    v1Files(cgroupValues(limits, { ...settings, ...extra })).map(({ file, value }) => [file, value]),
  );
const v2 = (limits: TaskLimits, extra = {}) =>
  Object.fromEntries(
    v2Files(cgroupValues(limits, { ...settings, ...extra })).map(({ file, value }) => [file, value]),
  );

test.each([
  [0.25, 100_000, '25000'],
  [0.5, 100_000, '50000'],
  [4, 100_000, '400000'],
  [0.29, 100_000, '28999'],
  [1.5, 8_000, '12000'],
])('gives %d vCPU of a period of %d µs the quota %s, cut to whole µs (RES-05)', (cpu, cpuPeriodUs, quota) => {
  const limits = { cpu, cpuShares: 700 };
  expect(v1(limits, { cpuPeriodUs })).toMatchObject({
    'cpu.cfs_period_us': String(cpuPeriodUs),
    'cpu.cfs_quota_us': quota,
  });
  expect(v2(limits, { cpuPeriodUs })['cpu.max']).toBe(`${quota} ${cpuPeriodUs}`);
});

test('leaves the shares alone where there is a quota, and the quota where there is none (OBS-71, OBS-72)', () => {
  expect(Object.keys(v1({ cpu: 0.5, cpuShares: 700 }))).not.toContain('cpu.shares');
  expect(v1({ cpuShares: 700 })).toEqual({ 'cpu.shares': '700', 'memory.use_hierarchy': '1' });
});

test.each([
  [2, '2'],
  [0, '2'],
  [262_144, '262144'],
  [300_000, '262144'],
])('keeps %d shares within what the kernel takes: %s (RES-06)', (cpuShares, shares) => {
  expect(v1({ cpuShares })['cpu.shares']).toBe(shares);
});

test.each([
  [2, 1],
  [1_024, 39],
  [262_144, 10_000],
])('turns %d shares into the weight %d', (shares, weight) => {
  expect(cpuWeight(shares)).toBe(weight);
  expect(v2({ cpuShares: shares })['cpu.weight']).toBe(String(weight));
});

test('turns 512 MiB into 536870912 bytes (RES-07)', () => {
  expect(v1({ cpuShares: 2, memoryMiB: 512 })['memory.limit_in_bytes']).toBe('536870912');
  expect(v2({ cpuShares: 2, memoryMiB: 512 })['memory.max']).toBe('536870912');
});

test('sets a limit of processes where the instance has one (RES-09)', () => {
  expect(v1({ cpuShares: 2 }, { pidsLimit: 300 })['pids.max']).toBe('300');
  expect(v2({ cpuShares: 2 }, { pidsLimit: 300 })['pids.max']).toBe('300');
  expect(v1({ cpuShares: 2 })).not.toHaveProperty('pids.max');
  expect(v1({ cpuShares: 2 }, { pidsLimit: 0 })).not.toHaveProperty('pids.max');
});
