import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAgent, type TestAgent } from '../support/agent.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { type LeakCheck, leakCheck } from '../support/leak-check.ts';
import { hostProcesses } from '../support/processes.ts';
import { until } from '../support/until.ts';

const OBEDIENT = (whose: string) => `trap "exit 9" TERM; : ${whose}; while :; do sleep 0.05; done`;

/** One host, one containerd, two agents in namespaces and clusters of their own. */
describe('two agents on one host', () => {
  let world: EcsWorld;
  let other: TestAgent;
  let leaksOfOther: LeakCheck;
  beforeAll(async () => {
    const namespace = `${EcsWorld.NAMESPACE}-other`;
    world = await EcsWorld.start({ notOurs: (finding) => finding.includes(namespace) });
    await world.aws('create-cluster', '--cluster-name', 'other');
    leaksOfOther = await leakCheck({
      containerd: world.containerd,
      namespaces: [namespace],
      cgroups: [`/${namespace}`],
      ignore: (finding) => finding.endsWith(`/${namespace}`),
    });
    other = await startAgent({
      ...world.agent.options,
      dataDir: world.scratch.path('other-data'),
      runDir: world.scratch.path('other-run'),
      namespace,
      logFile: world.scratch.path('other.log'),
      env: { ECS_CLUSTER: 'other' },
    });
  });
  afterAll(async () => {
    await other?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
  });

  /** The first processes: what a shell forks has its arguments too until it becomes another program. */
  const pidsOf = (whose: string) => {
    const shells = hostProcesses().filter(({ args }) => args[2]?.includes(`: ${whose};`));
    const all = new Set(shells.map(({ pid }) => pid));
    return shells
      .filter(({ parentPid }) => !all.has(parentPid))
      .map(({ pid }) => pid)
      .toSorted();
  };
  const runningOf = async (agent: TestAgent) =>
    (await agent.ask())?.tasks.filter(({ known }) => known === 'RUNNING').map(({ arn }) => arn);

  it('never touch what is not theirs: not when they start, not when they sweep, not when their database is lost', async () => {
    await world.register('mine', OBEDIENT('mine'), { memory: 16 });
    await world.register('theirs', OBEDIENT('theirs'), { memory: 16 });
    const mine = await world.run('mine', 2);
    const theirs = await world.aws<{ readonly tasks: readonly { readonly taskArn: string }[] }>(
      ...['run-task', '--cluster', 'other', '--task-definition', 'theirs', '--count', '2'],
    );
    expect(theirs.tasks).toHaveLength(2);
    await until(
      async () => (await runningOf(world.agent))?.length === 2 && (await runningOf(other))?.length === 2,
      {
        what: 'all four run',
        timeoutMs: 60_000,
      },
    );
    const [pidsOfMine, pidsOfTheirs] = [pidsOf('mine'), pidsOf('theirs')];
    expect([pidsOfMine.length, pidsOfTheirs.length]).toEqual([2, 2]);

    await world.agent.kill('SIGKILL');
    await other.kill('SIGKILL');
    // Of the one everything is lost: it looks at all that it can see.
    await Promise.all([world.agent.start({ ECS_DATADIR: world.scratch.path('empty') }), other.start()]);
    await until(
      async () => (await runningOf(world.agent))?.length === 2 && (await runningOf(other))?.length === 2,
      {
        what: 'each has found its own again',
        timeoutMs: 60_000,
      },
    );
    expect((await runningOf(world.agent))?.toSorted()).toEqual(mine.toSorted());
    expect([pidsOf('mine'), pidsOf('theirs')]).toEqual([pidsOfMine, pidsOfTheirs]);

    await world.stop(...mine);
    await world.reach('STOPPED', mine);
    await world.expectClean();
    expect([pidsOf('mine'), pidsOf('theirs')]).toEqual([[], pidsOfTheirs]);
    for (const { taskArn } of theirs.tasks)
      await world.aws('stop-task', '--cluster', 'other', '--task', taskArn);
    await until(async () => (await other.ask())?.tasks.length === 0, {
      what: 'the other has stopped and forgotten its own',
      timeoutMs: 60_000,
    });
    expect(pidsOf('theirs')).toEqual([]);
    await leaksOfOther.expectNone();
  }, 180_000);
});
