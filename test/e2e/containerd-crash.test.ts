import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerdVersion } from '../support/containerd-versions.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { hostProcesses, killAll, shimProcesses } from '../support/processes.ts';
import { sampleOf, testSeed } from '../support/sample.ts';
import { until } from '../support/until.ts';

/** Of this process alone: other tests run beside this one. */
const MARK = `: of ${process.pid};`;
const OBEDIENT = `${MARK} trap "exit 9" TERM; echo started; while :; do sleep 0.05; done`;
const seed = testSeed();
const VERSIONS = sampleOf<ContainerdVersion>(['1.6', '1.7', '2.1'], 1, seed);

describe.each(VERSIONS)(`containerd %s under the agent (seed ${seed})`, (containerdVersion) => {
  let world: EcsWorld;
  beforeAll(async () => {
    world = await EcsWorld.start({ containerdVersion });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  const shims = () => shimProcesses(world.containerd.address);
  async function crash(): Promise<void> {
    await world.containerd.kill('SIGKILL');
    await world.containerd.restart();
  }
  /** How often each container's program was started, by what it wrote. */
  function starts(): readonly number[] {
    const logs = join(world.scratch.path('data'), 'logs');
    return readdirSync(logs).map(
      (id) => readFileSync(join(logs, id, `${id}-json.log`), 'utf8').split('started').length - 1,
    );
  }
  const mains = () => hostProcesses().filter(({ args }) => args[2]?.startsWith(MARK));
  /** So many programs run; a shell that is about to run another one looks like two for a moment. */
  const running = (count: number) =>
    until(() => mains().length === count, { what: `${count} programs run`, timeoutMs: 5_000, intervalMs: 5 });

  it('killed in the middle of starts and of stops: every task starts once or says why not, stops, and tells its true code (CTD-31)', async () => {
    await world.register('often', OBEDIENT, { memory: 16 });
    const placed = world.run('often', 6);
    for (const count of [1, 3, 5]) {
      await until(() => shims().length >= count, { what: `${count} shims are there`, intervalMs: 2 });
      await crash();
    }
    const all = await placed;
    const states = await until(
      async () => {
        const tasks = await world.describe(...all);
        return tasks.every(({ lastStatus }) => ['RUNNING', 'STOPPED'].includes(lastStatus)) && tasks;
      },
      { what: 'all tasks are decided', timeoutMs: 60_000, intervalMs: 100 },
    );
    const failed = states.filter(({ lastStatus }) => lastStatus === 'STOPPED');
    // The first process of one dies now and then under a start that was cut off; nobody is left then who could
    // tell its exit code (containerd.md §15).
    expect(failed.length).toBeLessThanOrEqual(2);
    for (const task of failed)
      expect(task.containers[0]?.reason).toMatch(/^DockerStateError: .* while containerd was not running/);
    const arns = states.filter((task) => !failed.includes(task)).map(({ taskArn }) => taskArn);
    await running(arns.length);
    await until(
      () => {
        const counts = starts().filter((count) => count > 0);
        return counts.length === arns.length && counts.every((count) => count === 1);
      },
      { what: 'each has written that it was started, once' },
    );

    const stopping = world.stop(...arns);
    for (const count of [3, 1]) {
      await until(() => mains().length <= count, { what: `${count} containers are left`, intervalMs: 2 });
      await crash();
    }
    await stopping;
    // 1.6 remembers what ended while it was away; later ones forget it as they start, but the shims have told.
    for (const { containers } of await world.reach('STOPPED', arns))
      expect(containers[0]).toMatchObject({ exitCode: 9 });
    expect(mains()).toEqual([]);
    await world.expectClean();
  }, 120_000);

  it('away when a container ends: ECS is told the true code before containerd is back (CTD-81)', async () => {
    await world.register('ends-away', 'sleep 2; exit 6', { memory: 16 });
    const arns = await world.run('ends-away', 3);
    await world.reach('RUNNING', arns);
    await world.containerd.kill('SIGKILL');
    for (const task of await world.reach('STOPPED', arns)) {
      expect(task.containers[0]?.exitCode).toBe(6);
      expect(task.containers[0]?.reason).toBeUndefined();
    }
    await world.containerd.restart();
    await world.expectClean();
  }, 60_000);

  it('away together with the agent when a container ends: the true code is told when both are back (CTD-81)', async () => {
    await world.register('ends-unseen', OBEDIENT, { memory: 16 });
    const arns = await world.run('ends-unseen', 2);
    await world.reach('RUNNING', arns);
    await running(2);
    await world.agent.kill('SIGKILL');
    await world.containerd.kill('SIGKILL');
    for (const { pid } of mains()) process.kill(pid, 'SIGTERM');
    // The agent waits for containerd, and asks the shims meanwhile.
    const back = world.agent.start();
    await until(
      () => {
        const notes = world.scratch.path('run/exec/shims');
        return readdirSync(notes).every((id) => readFileSync(join(notes, id), 'utf8').includes('exitStatus'));
      },
      { what: 'the shims have told' },
    );
    await world.containerd.restart();
    await back;
    for (const task of await world.reach('STOPPED', arns)) expect(task.containers[0]?.exitCode).toBe(9);
    await world.expectClean();
  }, 60_000);

  it('a killed shim stops its task alone, with a reason, once its processes are gone (CTD-32)', async () => {
    await world.register('shimless', OBEDIENT, { memory: 16 });
    const [victim = '', other = ''] = await world.run('shimless', 2);
    await world.reach('RUNNING', [victim, other]);
    const containers = (await world.describe(victim))[0]?.containers[0]?.runtimeId ?? 'none';
    const shim = shims().filter(({ args }) => args.includes(containers));
    expect(shim).toHaveLength(1);
    await killAll(shim.map(({ pid }) => pid));
    const [stopped] = await world.reach('STOPPED', [victim]);
    expect(stopped?.containers[0]).toMatchObject({
      exitCode: 137,
      reason: expect.stringMatching(/^DockerStateError: .*shim/),
    });
    await running(1);
    expect((await world.describe(other))[0]?.lastStatus).toBe('RUNNING');
    await world.stop(other);
    await world.reach('STOPPED', [other]);
    await world.expectClean();
  }, 60_000);
});
