import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { observeCgroupMounts, readCgroupFile } from '../../src/host/cgroupfs.ts';
import { containerIdOf, taskArn } from '../../src/task/ids.ts';
import { NAMESPACE_PAUSE } from '../../src/task/internal-containers.ts';
import type { DescribedTask } from '../support/aws-ecs.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { until } from '../support/until.ts';
import { NAMESPACE_TASK_CODES, namespaceTask } from './namespace-task.ts';

/** Of the cgroup above that of a process. */
async function pidsLimitAbove(pid: number): Promise<string | undefined> {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  const line =
    lines.find((one) => /^\d+:(.*,)?pids(,.*)?:/.test(one)) ?? lines.find((one) => one.startsWith('0::'));
  const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line ?? '') ?? [];
  const mount = (await observeCgroupMounts()).find(({ version, options }) =>
    controllers === '' ? version === 2 : options.includes('pids'),
  );
  return await readCgroupFile(join(mount?.mountPoint ?? '', dirname(path)), 'pids.max');
}

describe('tasks whose containers share namespaces', () => {
  let world: EcsWorld;
  beforeAll(async () => {
    world = await EcsWorld.start({
      agentEnv: {
        ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '3s',
        ECS_PAUSE_LABELS: '{"team":"core"}',
        ECS_TASK_PIDS_LIMIT: '150',
      },
    });
    await world.define(namespaceTask(world.image));
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  const pauseOf = (arn: string) => containerIdOf(taskArn(arn), NAMESPACE_PAUSE, 0);
  /** Process id of the container that holds the namespaces. */
  const pausePid = async (arn: string): Promise<number> => {
    const list = await world.containerd.ctr(world.namespace, 'tasks', 'ls');
    const line = list.split('\n').find((one) => one.startsWith(pauseOf(arn))) ?? '';
    return Number(line.split(/\s+/)[1]);
  };
  const codes = (task: DescribedTask | undefined) =>
    Object.fromEntries((task?.containers ?? []).map(({ name, exitCode }) => [name, exitCode]));
  /** Both have written what they have to by then. */
  const looked = (pid: number) =>
    until(() => existsSync(`/proc/${pid}/root/dev/shm/looked`), { what: 'the side container has looked' });

  it('see each other, over a crash of the agent, and ECS sees them alone (ENG-59, ENG-156, ECS-40)', async () => {
    const [arn = ''] = await world.run('namespaces');
    const [running] = await world.reach('RUNNING', [arn]);
    expect(running?.containers.map(({ name }) => name).sort()).toEqual(['app', 'side']);
    const pid = await pausePid(arn);
    await looked(pid);
    await world.agent.kill('SIGKILL');
    await world.agent.start();
    expect((await world.agent.ask())?.tasks).toMatchObject([{ known: 'RUNNING' }]);
    expect(await pausePid(arn)).toBe(pid);
    await world.stop(arn);
    const [stopped] = await world.reach('STOPPED', [arn]);
    expect(codes(stopped)).toEqual(NAMESPACE_TASK_CODES);
    await world.expectClean();
  }, 60_000);

  it('take the labels and the limit of processes that the instance has for them (RES-09)', async () => {
    const [arn = ''] = await world.run('namespaces');
    await world.reach('RUNNING', [arn]);
    const info = await world.containerd.ctr(world.namespace, 'containers', 'info', pauseOf(arn));
    expect(JSON.parse(info)).toMatchObject({ Labels: { team: 'core' } });
    expect(await pidsLimitAbove(await pausePid(arn))).toBe('150');
    await world.stop(arn);
    await world.reach('STOPPED', [arn]);
    await world.expectClean();
  }, 60_000);

  it('end when the process that holds the namespaces dies, and say so (ENG-61)', async () => {
    const [arn = ''] = await world.run('namespaces');
    await world.reach('RUNNING', [arn]);
    process.kill(await pausePid(arn), 'SIGKILL');
    const [stopped] = await world.reach('STOPPED', [arn]);
    expect(codes(stopped)).toEqual({ app: 137, side: 137 });
    expect(stopped?.stoppedReason).toMatch(
      /^TaskStateError: the namespaces that .* are gone: .*exit code 137/,
    );
    await world.expectClean();
  }, 60_000);
});
