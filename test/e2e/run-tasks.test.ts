import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EcsWorld } from '../support/ecs-world.ts';

describe('tasks by the real AWS CLI', () => {
  let world: EcsWorld;
  beforeAll(async () => {
    world = await EcsWorld.start();
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  it('runs ten tasks, stops them with their exit codes and leaves nothing behind (CP-24, CP-25, OBS-01)', async () => {
    await world.register('ten', 'trap "exit 7" TERM; while :; do sleep 0.1; done');
    const arns = await world.run('ten', 10);
    expect(arns.length).toBe(10);
    await world.aws('wait', 'tasks-running', '--tasks', ...arns);
    const running = await world.describe(...arns);
    for (const task of running) {
      expect(task.containers[0]?.runtimeId).toMatch(/^[0-9a-f]{64}$/);
      expect(task.containers[0]?.imageDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
    }
    for (const arn of arns) await world.aws('stop-task', '--task', arn, '--reason', 'enough');
    await world.aws('wait', 'tasks-stopped', '--tasks', ...arns);
    for (const task of await world.describe(...arns)) {
      expect(task).toMatchObject({ stopCode: 'UserInitiated', stoppedReason: 'enough' });
      expect(task.containers[0]).toMatchObject({ lastStatus: 'STOPPED', exitCode: 7 });
    }
    await world.expectClean();
  }, 120_000);

  it('ends a task with its essential container and stops the others (ENG-09, ENG-49)', async () => {
    await world.aws(
      'register-task-definition',
      '--cli-input-json',
      JSON.stringify({
        family: 'pair',
        networkMode: 'none',
        containerDefinitions: [
          {
            name: 'main',
            image: world.image,
            essential: true,
            memory: 32,
            command: ['sh', '-c', 'sleep 1; exit 3'],
          },
          {
            name: 'side',
            image: world.image,
            essential: false,
            memory: 32,
            command: ['sleep', '1000'],
            stopTimeout: 2,
          },
        ],
      }),
    );
    const arns = await world.run('pair');
    const [task] = await world.reach('STOPPED', arns);
    expect(task).toMatchObject({
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
    });
    const codes = Object.fromEntries((task?.containers ?? []).map((c) => [c.name, c.exitCode]));
    // pid 1 without a handler ignores SIGTERM: killed when its stopTimeout is over.
    expect(codes).toEqual({ main: 3, side: 137 });
    await world.expectClean();
  }, 60_000);

  it('lets go on what is not essential to the task and reports its end (ENG-10, OBS-06)', async () => {
    await world.aws(
      'register-task-definition',
      '--cli-input-json',
      JSON.stringify({
        family: 'loose',
        networkMode: 'host',
        containerDefinitions: [
          {
            name: 'main',
            image: world.image,
            essential: true,
            memory: 32,
            command: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'],
          },
          {
            name: 'once',
            image: world.image,
            essential: false,
            memory: 32,
            command: ['sh', '-c', 'sleep 1; exit 5'],
          },
        ],
      }),
    );
    const arns = await world.run('loose');
    await world.reach('RUNNING', arns);
    await world.aws('stop-task', '--task', arns[0] ?? '');
    const [task] = await world.reach('STOPPED', arns);
    const codes = Object.fromEntries((task?.containers ?? []).map((c) => [c.name, c.exitCode]));
    expect(codes.main).toBe(0);
    await world.expectClean();
  }, 60_000);

  it('gives the container what its definition says: environment, user, directory, entry point', async () => {
    await world.register('probe', '', {
      entryPoint: ['sh', '-c'],
      command: [
        '[ "$A" = b ] && [ "$(id -u):$(id -g)" = 1234:99 ] && [ "$PWD" = /tmp ] && [ -n "$AWS_REGION" ]',
      ],
      environment: [{ name: 'A', value: 'b' }],
      user: '1234:99',
      workingDirectory: '/tmp',
    });
    const [task] = await world.reach('STOPPED', await world.run('probe'));
    expect(task?.containers[0]).toMatchObject({ exitCode: 0 });
    await world.expectClean();
  }, 60_000);

  it('kills a container over its memory limit and says so (ECS-48, ECS-94)', async () => {
    await world.register('greedy', 'x=$(head -c 200000000 /dev/zero | tr "\\\\0" a); echo "$x" | wc -c', {
      memory: 16,
    });
    const [task] = await world.reach('STOPPED', await world.run('greedy'));
    expect(task?.containers[0]?.reason).toMatch(/^OutOfMemoryError: /);
    expect(task?.containers[0]?.exitCode).toBe(137);
    await world.expectClean();
  }, 60_000);
});
