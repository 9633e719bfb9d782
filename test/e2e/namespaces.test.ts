import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containerIdOf, taskArn } from '../../src/task/ids.ts';
import { NAMESPACE_PAUSE } from '../../src/task/internal-containers.ts';
import type { DescribedTask } from '../support/aws-ecs.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { until } from '../support/until.ts';
import { NAMESPACE_TASK_CODES, namespaceTask } from './namespace-task.ts';

describe('tasks whose containers share namespaces', () => {
  let world: EcsWorld;
  beforeAll(async () => {
    world = await EcsWorld.start({ agentEnv: { ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '3s' } });
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
