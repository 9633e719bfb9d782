import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { observeCgroupMounts, removeCgroupTree } from '../../../src/host/cgroupfs.ts';
import { openTaskCgroups } from '../../../src/resource/cgroups.ts';
import type { TaskCgroups } from '../../../src/resource/task-cgroups.ts';
import { containerIdOf, taskArn, taskIdOf } from '../../../src/task/ids.ts';
import { tryRun } from '../../support/run.ts';
import { until } from '../../support/until.ts';

/** A name of this run alone: the machine's own cgroups and those of other runs are never touched. */
const name = `ecstest${randomBytes(4).toString('hex')}`;
const root = '/sys/fs/cgroup';
const slice = `${name}tasks.slice`;
const arn = taskArn(`arn:aws:ecs:us-west-2:123456789012:task/default/${randomBytes(16).toString('hex')}`);
const containerId = containerIdOf(arn, 'app', 0);

const isUnified = existsSync(join(root, 'cgroup.controllers'));
const hasSystemd = existsSync('/run/systemd/system');
/** Where systemd is the choice, the other driver works too, and is tried. */
const drivers = isUnified && hasSystemd ? (['auto', 'cgroupfs'] as const) : (['auto'] as const);

let cgroups: TaskCgroups;
let hierarchies: readonly string[];
const children: ChildProcessByStdio<Writable, null, null>[] = [];

/** The task's cgroup in the hierarchy of that controller. */
function taskDirectory(controller: string, id = taskIdOf(arn)): string {
  if (cgroups.driver === 'systemd') return join(root, slice, `${name}tasks-${id}.slice`);
  const hierarchy =
    cgroups.version === 2 ? root : hierarchies.find((path) => path.split(/[/,]/).includes(controller));
  return join(hierarchy ?? '', name, id);
}

async function read(controller: string, file: string): Promise<string> {
  return (await readFile(join(taskDirectory(controller), file), 'utf8')).trim();
}

/** The container's cgroups, as a runtime makes them. */
function containerDirectories(...below: readonly string[]): string[] {
  const leaf = cgroups.driver === 'systemd' ? `ecs-${containerId}.scope` : containerId;
  const tasks =
    cgroups.version === 2
      ? [taskDirectory('cpu')]
      : hierarchies.map((hierarchy) => join(hierarchy, name, taskIdOf(arn)));
  return tasks
    .filter((directory) => existsSync(directory))
    .map((directory) => join(directory, leaf, ...below));
}

/** Makes a cgroup and those above it; in the cpuset hierarchy with the CPUs and nodes of the parent. */
async function makeCgroup(directory: string): Promise<void> {
  if (existsSync(directory)) return;
  await makeCgroup(dirname(directory));
  await mkdir(directory);
  if (cgroups.version === 1 && directory.includes('/cpuset/'))
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      await writeFile(join(directory, file), await readFile(join(dirname(directory), file)));
}

/** Runs `script` in the container's cgroups. */
async function startInside(script: string, ...below: readonly string[]) {
  const child = spawn('sh', ['-c', `read -r _; ${script}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  children.push(child);
  for (const directory of containerDirectories(...below)) {
    await makeCgroup(directory);
    await writeFile(join(directory, 'cgroup.procs'), String(child.pid));
  }
  const exited = once(child, 'exit');
  child.stdin.end('go\n');
  return { exited };
}

const noLimits = { cpuShares: 512 };

describe.each(drivers)('with driver %s', (driver) => {
  beforeAll(async () => {
    cgroups = await openTaskCgroups({ driver, root, name, cpuPeriodUs: 100_000, pidsLimit: 200 });
    hierarchies =
      cgroups.version === 2 ? [root] : (await observeCgroupMounts()).map(({ mountPoint }) => mountPoint);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const id of await cgroups.list()) {
      await cgroups.kill(id, containerId);
      await until(() => cgroups.isEmpty(id, containerId), { what: `the container of ${id} is empty` });
      await cgroups.remove(id);
    }
  });
  afterAll(async () => {
    if (cgroups.driver === 'systemd') await tryRun('systemctl', ['stop', slice]);
    for (const hierarchy of hierarchies) await removeCgroupTree(join(hierarchy, name));
  });

  test('takes the driver that fits the host', () => {
    expect(cgroups.version).toBe(isUnified ? 2 : 1);
    expect(cgroups.driver).toBe(isUnified && hasSystemd && driver === 'auto' ? 'systemd' : 'cgroupfs');
  });

  test('makes the cgroup of a task without limits, with its shares (RES-117, OBS-72)', async () => {
    const parent = await cgroups.ensure(taskIdOf(arn), noLimits);
    if (cgroups.driver === 'systemd')
      expect(parent).toEqual({ driver: 'systemd', slice: `${name}tasks-${taskIdOf(arn)}.slice` });
    else expect(parent).toEqual({ driver: 'cgroupfs', path: `/${name}/${taskIdOf(arn)}` });
    if (cgroups.version === 1) {
      expect(await read('cpu', 'cpu.shares')).toBe('512');
      expect(await read('cpu', 'cpu.cfs_quota_us')).toBe('-1');
    } else {
      expect(await read('cpu', 'cpu.weight')).toBe('20');
      expect(await read('cpu', 'cpu.max')).toBe('max 100000');
    }
  });

  test('sets the limits of a task, and again the same when asked again (RES-11, OBS-71, OBS-73)', async () => {
    for (let round = 0; round < 2; round += 1) {
      await cgroups.ensure(taskIdOf(arn), { cpu: 0.5, memoryMiB: 64, cpuShares: 512 });
      if (cgroups.version === 1) {
        expect(await read('cpu', 'cpu.cfs_period_us')).toBe('100000');
        expect(await read('cpu', 'cpu.cfs_quota_us')).toBe('50000');
        expect(await read('cpu', 'cpu.shares')).toBe('1024');
        expect(await read('memory', 'memory.limit_in_bytes')).toBe('67108864');
      } else {
        expect(await read('cpu', 'cpu.max')).toBe('50000 100000');
        expect(await read('memory', 'memory.max')).toBe('67108864');
      }
      expect(await read('pids', 'pids.max')).toBe('200');
      await startInside('exec sleep 100');
    }
  });

  test('writes memory.use_hierarchy on v1 (RES-10)', async (context) => {
    context.skip(cgroups.version === 2, 'cgroup v2 knows no other way');
    await cgroups.ensure(taskIdOf(arn), noLimits);
    expect(await read('memory', 'memory.use_hierarchy')).toBe('1');
  });

  test('is in every v1 hierarchy at /<name>/<task id> (RES-03)', async (context) => {
    context.skip(cgroups.version === 2, 'there is one hierarchy only');
    await cgroups.ensure(taskIdOf(arn), noLimits);
    const v1 = (await observeCgroupMounts()).filter(({ version }) => version === 1);
    for (const { mountPoint } of v1) expect(existsSync(join(mountPoint, name, taskIdOf(arn)))).toBe(true);
  });

  test('holds a busy container to the quota of its task', async () => {
    await cgroups.ensure(taskIdOf(arn), { cpu: 0.1, cpuShares: 2 });
    await startInside('while :; do :; done');
    await until(async () => Number(/nr_throttled (\d+)/.exec(await read('cpu', 'cpu.stat'))?.[1]) > 3, {
      what: 'the task is throttled',
    });
  });

  test('kills a container that takes more memory than its task has', async () => {
    await cgroups.ensure(taskIdOf(arn), { memoryMiB: 16, cpuShares: 2 });
    const { exited } = await startInside('exec dd if=/dev/zero of=/dev/null bs=256M count=1');
    expect(await exited).toEqual([null, 'SIGKILL']);
  });

  test('tells an empty container from one with a process somewhere below', async () => {
    const id = taskIdOf(arn);
    expect(await cgroups.isEmpty(id, containerId)).toBe(true);
    await cgroups.ensure(id, noLimits);
    expect(await cgroups.isEmpty(id, containerId)).toBe(true);
    await startInside('exec sleep 100', 'inner', 'most');
    expect(await cgroups.isEmpty(id, containerId)).toBe(false);
  });

  test('kills every process of a container, also those that fork all the time', async () => {
    const id = taskIdOf(arn);
    await cgroups.ensure(id, noLimits);
    const { exited: first } = await startInside(
      'while :; do sh -c "sleep 0.01 & sleep 0.01 &"; done',
      'inner',
    );
    const { exited: second } = await startInside('trap "" TERM; while :; do sleep 1; done');
    await cgroups.kill(id, containerId);
    expect(await first).toEqual([null, 'SIGKILL']);
    expect(await second).toEqual([null, 'SIGKILL']);
    await until(() => cgroups.isEmpty(id, containerId), { what: 'the container is empty' });
    await cgroups.kill(id, containerId);
  });

  describe('removal', () => {
    test('takes empty cgroups below along, and may be repeated', async () => {
      const id = taskIdOf(arn);
      await cgroups.ensure(id, noLimits);
      for (const directory of containerDirectories('inner')) await makeCgroup(directory);
      await cgroups.remove(id);
      expect(existsSync(taskDirectory('cpu'))).toBe(false);
      expect(existsSync(taskDirectory('memory'))).toBe(false);
      await cgroups.remove(id);
      await cgroups.kill(id, containerId);
    });

    test('refuses while a process is there, says which, and kills nothing', async () => {
      const id = taskIdOf(arn);
      await cgroups.ensure(id, noLimits);
      await startInside('exec sleep 100');
      const pid = children[0]?.pid;
      await expect(cgroups.remove(id)).rejects.toMatchObject({
        code: 'CgroupError',
        message: expect.stringContaining(String(pid)),
      });
      expect(await cgroups.isEmpty(id, containerId)).toBe(false);
      expect(children[0]?.signalCode).toBeNull();
    });
  });

  test('lists the tasks that have a cgroup', async () => {
    const other = taskIdOf(taskArn('arn:aws:ecs:us-west-2:123456789012:task/default/0123456789abcdef'));
    await cgroups.ensure(taskIdOf(arn), noLimits);
    await cgroups.ensure(other, noLimits);
    expect([...(await cgroups.list())].sort()).toEqual([taskIdOf(arn), other].sort());
    await cgroups.remove(other);
    expect(await cgroups.list()).toEqual([taskIdOf(arn)]);
  });

  test('fails with a CgroupError that does not carry the cause (RES-12, RES-102)', async () => {
    const failure = cgroups.ensure(taskIdOf(arn), { cpu: 1e-9, cpuShares: 2 });
    await expect(failure).rejects.toMatchObject({
      name: 'CgroupError',
      code: 'CgroupError',
      message: 'The platform resources of the task could not be created',
      cause: expect.any(Error),
    });
  });
});
