import { afterEach, describe, expect, it } from 'vitest';
import { type ContainerId, containerIdOf, taskArn } from '../../../src/task/ids.ts';
import {
  NAMESPACE_PAUSE,
  NETWORK_PAUSE,
  withInternalContainers,
  withNetworkPause,
} from '../../../src/task/internal-containers.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';
import { until as untilIt } from '../../support/until.ts';
import { containerSpec, taskSpec } from '../task/task-story.ts';
import { EngineWorld } from './engine-world.ts';

const until = (condition: () => boolean | Promise<boolean>) =>
  untilIt(condition, { what: String(condition), timeoutMs: 4_000 });
const arn = taskArn(`arn:aws:ecs:us-west-2:123456789012:task/peer/${'1'.padStart(32, '0')}`);
const { signal } = new AbortController();
let world: EngineWorld | undefined;
afterEach(async () => await world?.engine.close());

async function loseStateOf(
  known: string,
  behaviour = {},
  modes: Partial<TaskSpec> = {},
): Promise<EngineWorld> {
  const w = new EngineWorld(() => behaviour);
  world = w;
  w.start();
  const log = { driver: 'none', options: {} };
  const containers = [containerSpec('a', { log }), containerSpec('b', { log })];
  const spec = withNetworkPause(withInternalContainers(taskSpec(containers, { arn, ...modes })));
  await w.engine.accept([{ spec, desired: 'RUNNING' }]);
  await until(() => w.known(arn) === known);
  await w.engine.close();
  w.store.tasks.clear();
  w.reports.length = 0;
  return w;
}

describe('a task that runs and that the store has lost', () => {
  it('is stopped, told with its codes by its labels, and removed', async () => {
    const w = await loseStateOf('RUNNING');
    w.start();
    await until(async () => (await w.runtime.listContainers({ signal })).length === 0);
    expect(w.reports).toMatchObject([
      {
        task: arn,
        status: 'STOPPED',
        reason: expect.stringMatching(/^TaskStateError: /),
        containers: [
          { containerName: 'a', status: 'STOPPED', exitCode: 143 },
          { containerName: 'b', status: 'STOPPED', exitCode: 143 },
        ],
      },
    ]);
  });

  it.each([
    { modes: { pidMode: 'task' }, pause: NAMESPACE_PAUSE },
    { modes: { networkMode: 'awsvpc' }, pause: NETWORK_PAUSE },
  ] as const)(
    'is stopped before what holds its shared namespaces, of which nothing is told: $modes (ENG-90)',
    async ({ modes, pause }) => {
      const w = await loseStateOf('RUNNING', {}, modes);
      const order: (ContainerId | undefined)[] = [];
      w.runtime.onCall('stop', async (id) => void order.push(id));
      w.start();
      await until(async () => (await w.runtime.listContainers({ signal })).length === 0);
      expect(w.reports.at(-1)?.containers.map(({ containerName }) => containerName)).toEqual(['a', 'b']);
      expect(order.at(-1)).toBe(containerIdOf(arn, pause, 0));
      expect(order).toHaveLength(3);
    },
  );

  it('keeps its containers, which are all that is left of it, until the report is stored', async () => {
    const w = await loseStateOf('RUNNING');
    w.store.refuse = new Error('disk full');
    w.start();
    await until(async () =>
      (await w.runtime.listContainers({ signal })).every((c) => c.observation.state === 'exited'),
    );
    expect(await w.runtime.listContainers({ signal })).toHaveLength(2);
    w.store.refuse = undefined;
    await w.engine.close();
    w.start();
    await until(async () => (await w.runtime.listContainers({ signal })).length === 0);
    expect(w.statuses()).toEqual(['STOPPED']);
  });

  it('is removed in silence when nothing of it ran in this boot: it may be the copy of another host', async () => {
    const w = await loseStateOf('RUNNING');
    for (const { id } of await w.runtime.listContainers({ signal })) {
      await w.runtime.stopContainer(id, { killAtMs: 0 }, { signal });
      await w.runtime.releaseContainer(id, { signal });
    }
    w.start();
    await until(async () => (await w.runtime.listContainers({ signal })).length === 0);
    expect(w.reports).toEqual([]);
  });
});
