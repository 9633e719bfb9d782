import { describe, expect, test } from 'vitest';
import { cgroupValues } from '../../../src/resource/cgroup-values.ts';
import { systemdManager } from '../../../src/resource/systemd-bus.ts';
import { SliceNames, sliceIdentity, sliceLimits } from '../../../src/resource/systemd-slice.ts';
import { taskArn, taskIdOf } from '../../../src/task/ids.ts';

const taskId = taskIdOf(taskArn('arn:aws:ecs:us-west-2:1:task/c/4c1d8f0b'));
const limitsOf = (...args: Parameters<typeof cgroupValues>) =>
  Object.fromEntries(sliceLimits(cgroupValues(...args)).map(({ name, value }) => [name, value.join(' ')]));

describe('names', () => {
  test('are ecstasks.slice and ecstasks-<task id>.slice (RES-04)', () => {
    const names = new SliceNames('ecs');
    expect([names.parent, names.slice(taskId)]).toEqual(['ecstasks.slice', 'ecstasks-4c1d8f0b.slice']);
  });

  test('of another containerd namespace have no dash, which would be a level more', () => {
    const names = new SliceNames('ecs-blue');
    expect([names.parent, names.slice(taskId)]).toEqual([
      'ecs_bluetasks.slice',
      'ecs_bluetasks-4c1d8f0b.slice',
    ]);
  });

  test('lead back to the task id', () => {
    const names = new SliceNames('ecs');
    expect(names.idIn(names.slice(taskId))).toBe(taskId);
    expect(names.idIn('ecs_bluetasks-1.slice')).toBeUndefined();
    expect(names.idIn('ecstasks-1.scope')).toBeUndefined();
  });
});

describe('properties', () => {
  const accounting = { CPUAccounting: 'true', MemoryAccounting: 'true', TasksAccounting: 'true' };

  test('carry a quota as time per second, with its period', () => {
    expect(
      limitsOf({ cpu: 0.25, cpuShares: 2, memoryMiB: 512 }, { cpuPeriodUs: 50_000, pidsLimit: 99 }),
    ).toEqual({
      ...accounting,
      CPUQuotaPeriodUSec: '50000',
      CPUQuotaPerSecUSec: '250000',
      MemoryMax: '536870912',
      TasksMax: '99',
    });
  });

  test('carry a weight for a task without CPU limit', () => {
    expect(limitsOf({ cpuShares: 1_024 }, { cpuPeriodUs: 100_000 })).toEqual({
      ...accounting,
      CPUWeight: '39',
    });
  });
});

test('calls systemd with the arguments that busctl takes', async () => {
  const calls: (readonly string[])[] = [];
  const manager = systemdManager(async (args) => void calls.push(args));
  await manager.startTransientUnit('a.slice', [
    ...sliceIdentity(taskId, 'ecstasks.slice'),
    { name: 'MemoryMax', signature: 't', value: ['1'] },
  ]);
  await manager.setUnitProperties('a.slice', [{ name: 'TasksMax', signature: 't', value: ['2'] }]);
  await manager.stopUnit('a.slice');
  const target =
    '--system --quiet call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager';
  expect(calls.map((args) => args.join('|').replaceAll('|', ' '))).toEqual([
    `${target} StartTransientUnit ssa(sv)a(sa(sv)) a.slice replace 4 Description s ECS task 4c1d8f0b ` +
      'Wants as 1 ecstasks.slice DefaultDependencies b false MemoryMax t 1 0',
    `${target} SetUnitProperties sba(sv) a.slice true 1 TasksMax t 2`,
    `${target} StopUnit ss a.slice replace`,
  ]);
  expect(calls[0]).toContain('ECS task 4c1d8f0b');
});
