import { readFile } from 'node:fs/promises';
import { type ContainerRestartPolicy, ECSClient, RegisterTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { containerIdOf, taskArn as toArn } from '../../src/task/ids.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { until } from '../support/until.ts';

/** Counts its runs in a file of its own, says which it is, and ends as `rest` says. */
const counting = (rest: string) => `echo x >>/runs; n=$(wc -l </runs); echo "run $n"; ${rest}`;

describe('a container with a restart policy', () => {
  let world: EcsWorld;
  beforeAll(async () => {
    world = await EcsWorld.start({ agentEnv: { ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '4s' } });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  /** By the SDK: the AWS CLI of Debian does not know restart policies yet. */
  const define = async (family: string, rest: string, restartPolicy: ContainerRestartPolicy) => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const client = new ECSClient({ endpoint: world.url, region: 'us-west-2', credentials });
    const command = ['sh', '-c', counting(rest)];
    const container = {
      name: 'main',
      image: world.image,
      essential: true,
      memory: 16,
      command,
      restartPolicy,
    };
    await client.send(
      new RegisterTaskDefinitionCommand({ family, networkMode: 'host', containerDefinitions: [container] }),
    );
    client.destroy();
  };

  const restarts = async (taskArn: string) =>
    (await world.agent.ask())?.tasks.find(({ arn }) => arn === taskArn)?.containers[0]?.restarts ?? 0;

  const logOf = async (taskArn = '') => {
    const id = containerIdOf(toArn(taskArn), 'main', 0);
    return await readFile(world.scratch.path(`data/logs/${id}/${id}-json.log`), 'utf8');
  };

  it('is started again until its exit code is ignored; its task runs on and no line is lost (ENG-51, ENG-53, ENG-54)', async () => {
    await define('flaky', 'sleep 0.5; [ $n -lt 3 ] && exit 1; exit 7', {
      enabled: true,
      ignoredExitCodes: [7],
      restartAttemptPeriod: 0,
    });
    const arns = await world.run('flaky');
    const [task] = await world.reach('STOPPED', arns);
    expect(task?.containers[0]).toMatchObject({ exitCode: 7 });
    expect(await restarts(arns[0] ?? '')).toBe(2);
    expect((await logOf(arns[0])).match(/run \d/g)).toEqual(['run 1', 'run 2', 'run 3']);
    await world.expectClean();
  }, 60_000);

  it('is started again after its end while the agent was dead, and can be stopped then', async () => {
    const script =
      '[ $n = 1 ] && { sleep 1; echo over; exit 1; }; trap "exit 0" TERM; echo ready; while :; do sleep 0.1; done';
    await define('crashed', script, { enabled: true, restartAttemptPeriod: 0 });
    const arns = await world.run('crashed');
    await world.reach('RUNNING', arns);
    await world.agent.kill('SIGKILL');
    await until(async () => (await logOf(arns[0])).includes('over'), { what: 'it has ended' });
    await world.agent.start();
    await until(async () => (await logOf(arns[0])).includes('ready'), { what: 'its next run is under way' });
    expect(await restarts(arns[0] ?? '')).toBe(1);
    await world.stop(arns[0] ?? '');
    const [task] = await world.reach('STOPPED', arns);
    expect(task?.containers[0]).toMatchObject({ exitCode: 0 });
    await world.expectClean();
  }, 60_000);
});
