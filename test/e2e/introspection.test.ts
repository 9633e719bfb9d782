import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EcsWorld } from '../support/ecs-world.ts';
import { getIntrospection, healthOf } from '../support/introspection.ts';
import { until } from '../support/until.ts';

const timelineSchema = z.object({
  arn: z.string(),
  known: z.string(),
  transitions: z.array(
    z.looseObject({
      at: z.iso.datetime(),
      container: z.string().optional(),
      what: z.string(),
      from: z.string(),
      to: z.string(),
      lastedMs: z.number().nonnegative(),
      why: z.string(),
      exitCode: z.number().optional(),
    }),
  ),
});
describe('what the agent tells of itself', () => {
  let world: EcsWorld;
  beforeAll(async () => {
    world = await EcsWorld.start({ agentEnv: { ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '8s' } });
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  const get = (path: string) => getIntrospection(world.scratch.path('run'), path);
  const health = (path: '/healthz' | '/readyz') => healthOf(world.scratch.path('run'), path);

  it('has all moves of a task with their durations, also after it was killed', async () => {
    await world.register('moves', 'sleep 0.5; exit 3');
    const [arn = ''] = await world.run('moves');
    await world.reach('STOPPED', [arn]);
    const id = arn.slice(arn.lastIndexOf('/') + 1);
    const timeline = async () =>
      timelineSchema.parse(JSON.parse((await get(`/v1/tasks/${id}/timeline`)).body));
    const before = await timeline();
    expect(before).toMatchObject({ arn, known: 'STOPPED' });
    const moves = (container: string | undefined) =>
      before.transitions
        .filter((move) => move.container === container && move.what === 'known')
        .map(({ from, to }) => `${from} ${to}`);
    expect(moves('main')).toEqual([
      'NONE MANIFEST_PULLED',
      'MANIFEST_PULLED PULLED',
      'PULLED CREATED',
      'CREATED RUNNING',
      'RUNNING STOPPED',
    ]);
    expect(moves(undefined)[0]).toBe('ABSENT NONE');
    expect(moves(undefined).at(-1)).toBe('RUNNING STOPPED');
    const end = before.transitions.find(({ container, to }) => container === 'main' && to === 'STOPPED');
    expect(end).toMatchObject({ why: 'containerStopped', exitCode: 3 });
    expect(end?.lastedMs).toBeGreaterThan(400);
    const times = before.transitions.map(({ at }) => Date.parse(at));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    await world.agent.kill('SIGKILL');
    await world.agent.start();
    expect((await timeline()).transitions.slice(0, before.transitions.length)).toEqual(before.transitions);
  });

  it('counts starts, pulls and calls of containerd', async () => {
    await world.register('counted', 'exit 0');
    const [arn = ''] = await world.run('counted');
    await world.reach('STOPPED', [arn]);
    const { status, body } = await get('/metrics');
    expect(status).toBe(200);
    for (const pattern of [
      /^ecs_agent_task_start_seconds_count\{phase="total"\} 1$/m,
      /^ecs_agent_task_start_seconds_count\{phase="pull"\} 1$/m,
      /^ecs_agent_pulls_total\{outcome="done"\} 1$/m,
      /^ecs_agent_runtime_call_seconds_count\{call="start",outcome="ok"\} 1$/m,
      /^ecs_agent_step_seconds_count\{step="createContainer",outcome="done"\} 1$/m,
      /^ecs_agent_acs_connected 1$/m,
      /^ecs_agent_registered 1$/m,
      /^ecs_agent_log_containers\{driver="json-file"\} \d+$/m,
      /^ecs_agent_log_dropped_lines_total\{driver="json-file",reason="ring"\} 0$/m,
    ])
      expect(body).toMatch(pattern);
  });

  it('is not well while containerd is stopped, and says so', async () => {
    expect(await health('/healthz')).toMatchObject({ status: 200, ok: true });
    process.kill(world.containerd.pid, 'SIGSTOP');
    try {
      const sick = await until(
        async () => {
          const now = await health('/healthz');
          return now.status === 503 && now;
        },
        { what: 'it is not well' },
      );
      expect(sick.reasons).toEqual([expect.stringMatching(/^runtime: asking the container runtime did not/)]);
      expect((await health('/readyz')).status).toBe(503);
    } finally {
      process.kill(world.containerd.pid, 'SIGCONT');
    }
    await until(async () => (await health('/healthz')).ok, { what: 'it is well again' });
  });

  it('is not ready while ECS is away, and ready again by itself when it is back', async () => {
    expect(await health('/readyz')).toMatchObject({ status: 200, ok: true, reasons: [] });
    await world.controlPlane.kill('SIGKILL');
    const away = await until(
      async () => {
        const now = await health('/readyz');
        return now.status === 503 && now.reasons[0]?.includes('ECONNREFUSED') && now;
      },
      { what: 'it is not ready' },
    );
    expect(away.reasons).toEqual([expect.stringMatching(/^acs: not connected for \d+ s: /)]);
    expect((await health('/healthz')).status).toBe(200);
    await world.controlPlane.start();
    await until(async () => (await health('/readyz')).ok, { what: 'it is ready again', timeoutMs: 30_000 });
    await world.expectClean();
  });
});
