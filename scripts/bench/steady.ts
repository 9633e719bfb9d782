import { setTimeout as delay } from 'node:timers/promises';
import type { BenchmarkOptions } from '../bench.ts';
import { installedAgent, OURS, OURS_ON_DOCKER, startOnContainerd, startOnDocker } from './contenders.ts';
import { processesOf, processorSeconds } from './host-cost.ts';
import type { Report, Row } from './report.ts';
import { oneContainer } from './task-shapes.ts';

const TASKS = 50;
const ROUNDS = 6;
const WINDOW_MS = 20_000;
/** After the last start, until what follows one is over. */
const SETTLE_MS = 15_000;
const LOG_SERVICE = 'log service';

interface Part extends Pick<Row, 'name' | 'aim'> {
  readonly pids: readonly number[];
}

/** `npm run bench -- steady`: what tasks at rest cost, with statistics and telemetry on. Both at once, window by window. */
export async function runBenchmark({ rounds = ROUNDS }: BenchmarkOptions): Promise<Report> {
  await using stack = new AsyncDisposableStack();
  const program = await installedAgent(stack);
  const contenders = [
    { name: OURS, at: await startOnContainerd(stack, program) },
    { name: OURS_ON_DOCKER, at: await startOnDocker(stack, program) },
  ];
  const sent = [];
  for (const { at } of contenders) {
    const tasks = at.agent.run(oneContainer(), TASKS);
    await at.agent.running(tasks);
    sent.push({ agent: at.agent, tasks });
  }
  await delay(SETTLE_MS);
  const parts = contenders.flatMap(({ name, at }): readonly Part[] => {
    const { agent, logService, daemons, containers } = processesOf(at);
    return [
      { name: `${name}: agent and daemons`, pids: [agent, ...daemons], ...(name === OURS && { aim: 3 }) },
      { name: `${name}: agent`, pids: [agent] },
      { name: `${name}: ${LOG_SERVICE}`, pids: logService },
      { name: `${name}: shims and containers`, pids: containers },
    ];
  });
  const samples = parts.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    const before = parts.map(({ pids }) => processorSeconds(pids));
    const begun = performance.now();
    await delay(WINDOW_MS);
    const seconds = (performance.now() - begun) / 1000;
    for (const [index, { pids }] of parts.entries())
      samples[index]?.push(((processorSeconds(pids) - (before[index] ?? 0)) / seconds) * 100);
  }
  for (const { agent, tasks } of sent) {
    agent.stop(tasks.arns);
    await agent.stopped(tasks.arns);
  }
  return {
    benchmark: 'steady',
    title: `Processor at rest with ${TASKS} containers, statistics and telemetry on, in windows of ${WINDOW_MS / 1000} s`,
    rows: parts.map(
      ({ name, aim }, index): Row => ({
        name,
        unit: '% of a core',
        samples: samples[index] ?? [],
        ...(aim !== undefined && { aim }),
        // A log service may take nothing at all, which is no measure for others.
        ...(name.startsWith(OURS) &&
          !name.endsWith(LOG_SERVICE) && { against: [{ row: name.replace(OURS, OURS_ON_DOCKER) }] }),
      }),
    ),
  };
}
