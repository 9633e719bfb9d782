import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EcsWorld } from '../support/ecs-world.ts';
import { until } from '../support/until.ts';

/** Prints the time it began, in seconds since boot with fractions, then does `rest`. */
const timed = (rest: string) => ['sh', '-c', `cut -d' ' -f1 /proc/uptime; ${rest}`];

describe('containers that depend on others', () => {
  let world: EcsWorld;
  beforeAll(async () => {
    world = await EcsWorld.start({ agentEnv: { ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '3s' } });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  const define = async (family: string, containers: readonly Record<string, unknown>[]) => {
    const definition = {
      family,
      networkMode: 'host',
      containerDefinitions: containers.map((container) => ({ image: world.image, memory: 16, ...container })),
    };
    await world.define(definition);
  };

  it('run in the order of SUCCESS, COMPLETE and START, at once when the condition holds (ENG-66, ENG-67, ENG-68)', async () => {
    await define('chain', [
      { name: 'init', essential: false, command: timed('sleep 1; exit 0') },
      {
        name: 'migrate',
        essential: false,
        command: timed('sleep 1; exit 4'),
        dependsOn: [{ containerName: 'init', condition: 'SUCCESS' }],
      },
      {
        name: 'app',
        essential: true,
        command: timed('sleep 1; exit 0'),
        dependsOn: [{ containerName: 'migrate', condition: 'COMPLETE' }],
      },
    ]);
    const [task] = await world.reach('STOPPED', await world.run('chain'));
    const codes = Object.fromEntries((task?.containers ?? []).map((c) => [c.name, c.exitCode]));
    expect(codes).toEqual({ init: 0, migrate: 4, app: 0 });
    await world.expectClean();
  }, 60_000);

  it('wait for HEALTHY, and the control plane hears of the health (ENG-69, TCS-31)', async () => {
    await define('healthy', [
      {
        name: 'db',
        essential: true,
        command: timed('trap "exit 0" TERM; sleep 1; touch /tmp/up; while :; do sleep 0.1; done'),
        healthCheck: { command: ['CMD-SHELL', 'test -e /tmp/up'], interval: 5, retries: 10 },
      },
      {
        name: 'app',
        essential: true,
        command: timed('trap "exit 0" TERM; while :; do sleep 0.1; done'),
        dependsOn: [{ containerName: 'db', condition: 'HEALTHY' }],
      },
    ]);
    const arns = await world.run('healthy');
    await world.reach('RUNNING', arns, 60_000);
    await until(
      async () => {
        const { tasks } = await world.aws<{
          readonly tasks: readonly {
            readonly containers: readonly { readonly name: string; readonly healthStatus?: string }[];
          }[];
        }>('describe-tasks', '--tasks', ...arns);
        return tasks[0]?.containers.find((c) => c.name === 'db')?.healthStatus === 'HEALTHY';
      },
      { what: 'the control plane shows the container as HEALTHY', timeoutMs: 60_000, intervalMs: 1_000 },
    );
    await world.stop(arns[0] ?? '');
    const [task] = await world.reach('STOPPED', arns);
    for (const container of task?.containers ?? []) expect(container.exitCode).toBe(0);
    await world.expectClean();
  }, 180_000);

  it('end with code 143 when the dependency fails (ENG-75, ECS-50)', async () => {
    await define('fails', [
      { name: 'init', essential: false, command: ['sh', '-c', 'exit 9'] },
      {
        name: 'app',
        essential: true,
        command: ['true'],
        dependsOn: [{ containerName: 'init', condition: 'SUCCESS' }],
      },
    ]);
    const [task] = await world.reach('STOPPED', await world.run('fails'));
    const app = task?.containers.find((c) => c.name === 'app');
    expect(app).toMatchObject({
      exitCode: 143,
      reason: expect.stringMatching(/^CannotStartContainerError: dependency graph: /),
    });
    expect(app).not.toHaveProperty('runtimeId');
    await world.expectClean();
  }, 60_000);
});
