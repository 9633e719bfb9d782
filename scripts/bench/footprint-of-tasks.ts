import { setTimeout as delay } from 'node:timers/promises';
import {
  installedAgent,
  type OnContainerd,
  type OnDocker,
  OURS,
  OURS_ON_DOCKER,
  startOnContainerd,
  startOnDocker,
} from './contenders.ts';

import { processesOf, proportionalMiB } from './host-cost.ts';
import { footprintOf } from './process-footprint.ts';
import type { Row } from './report.ts';
import { oneContainer } from './task-shapes.ts';

const TASKS = 20;
const MANY_TASKS = 100;
/** Tasks that are started in one payload. */
const PAYLOAD = 20;
/** After the last start, until statistics have been taken and garbage collected. */
const SETTLE_MS = 40_000;

type Start = (
  stack: AsyncDisposableStack,
  program: readonly [string, ...string[]],
) => Promise<OnContainerd | OnDocker>;

/**
 * Memory of the whole host for tasks of one container, on containerd and on dockerd, and of an agent with a hundred
 * tasks. One contender at a time, so that none divides its pages with another.
 */
export async function measureFootprintsOfTasks(): Promise<readonly Row[]> {
  const ours = await measure(startOnContainerd, MANY_TASKS);
  const docker = await measure(startOnDocker, TASKS);
  const row = (name: string, value: number, more: Pick<Row, 'aim' | 'against'> = {}): Row => ({
    name,
    unit: 'MiB',
    samples: [value],
    ...more,
  });
  const everything = (name: string) => `${name}: everything for ${TASKS} tasks, proportional`;
  return [
    row(everything(OURS), ours.everything, { against: [{ row: everything(OURS_ON_DOCKER), aim: 0.85 }] }),
    row(everything(OURS_ON_DOCKER), docker.everything),
    row(`${OURS}: agent with ${MANY_TASKS} tasks, resident`, ours.resident, { aim: 115 }),
    row(`${OURS}: agent with ${MANY_TASKS} tasks, private`, ours.private, { aim: 65 }),
  ];
}

async function measure(
  start: Start,
  most: number,
): Promise<{ readonly everything: number; readonly resident: number; readonly private: number }> {
  await using stack = new AsyncDisposableStack();
  const contender = await start(stack, await installedAgent(stack));
  const { agent } = contender;
  const arns: string[] = [];
  const add = async () => {
    const sent = agent.run(oneContainer(), PAYLOAD);
    await agent.running(sent);
    arns.push(...sent.arns);
  };
  await add();
  await delay(SETTLE_MS);
  const { agent: pid, logService, daemons, containers } = processesOf(contender);
  const everything = proportionalMiB([pid, ...logService, ...daemons, ...containers]);
  while (arns.length < most) await add();
  await delay(SETTLE_MS);
  const found = footprintOf(pid);
  agent.stop(arns);
  await agent.stopped(arns);
  return { everything, resident: found.resident, private: found.private };
}
