import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EcsWorld } from '../support/ecs-world.ts';
import { shimProcesses } from '../support/processes.ts';
import { isFullRun } from '../support/sample.ts';

const COUNT = isFullRun() ? 200 : 40;
/** As many as one RunTask takes. */
const AT_ONCE = 10;
const REACH_MS = COUNT * 4_000;

describe(`${COUNT} tasks at once`, () => {
  let world: EcsWorld;
  beforeAll(async () => {
    world = await EcsWorld.start({ controlPlaneArgs: ['--no-resource-check'] });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  it(
    'all run, live through a death of the agent, and all stop with their codes',
    async () => {
      await world.register('many', 'trap "exit 9" TERM; while :; do sleep 1 & wait; done', {
        memoryReservation: 6,
        memory: 16,
      });
      const calls = Array.from({ length: COUNT / AT_ONCE }, () => world.run('many', AT_ONCE));
      const arns = (await Promise.all(calls)).flat();
      expect(arns).toHaveLength(COUNT);
      const byHundreds = [arns.slice(0, 100), arns.slice(100)].filter((some) => some.length > 0);
      const reach = async (status: string) =>
        (await Promise.all(byHundreds.map((some) => world.reach(status, some, REACH_MS)))).flat();
      await reach('RUNNING');
      const shims = shimProcesses(world.containerd.address).map(({ pid }) => pid);
      expect(shims).toHaveLength(COUNT);
      await world.agent.kill('SIGKILL');
      await world.agent.start();
      expect((await world.agent.ask())?.tasks.map(({ known }) => known)).toEqual(
        Array(COUNT).fill('RUNNING'),
      );
      expect(shimProcesses(world.containerd.address).map(({ pid }) => pid)).toEqual(shims);
      await world.stop(...arns);
      expect((await reach('STOPPED')).map(({ containers }) => containers[0]?.exitCode)).toEqual(
        Array(COUNT).fill(9),
      );
      await world.expectClean();
    },
    REACH_MS * 3,
  );
});
