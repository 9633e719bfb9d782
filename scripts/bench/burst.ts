import type { BenchmarkOptions } from '../bench.ts';
import type { AgentUnderTest } from './agent-under-test.ts';
import type { BarePath } from './bare-path.ts';
import { BARE, Contenders, OURS, OURS_ON_DOCKER } from './contenders.ts';
import { interleave } from './interleave.ts';
import type { Report } from './report.ts';
import { oneContainer } from './task-shapes.ts';

const ROUNDS = 5;
const TASKS = 50;
/** Starts at once: the best that two cores can do, of 1 to 16. */
const WIDTH = 4;

/** `npm run bench -- burst`: fifty tasks of one container in one payload. */
export async function runBenchmark({ rounds = ROUNDS }: BenchmarkOptions): Promise<Report> {
  await using contenders = await Contenders.start();
  const { ours, oursOnDocker, bare } = contenders;
  const samples = await interleave(
    [
      { name: OURS, measure: () => burst(ours) },
      { name: BARE, measure: () => bareBurst(bare) },
      { name: OURS_ON_DOCKER, measure: () => burst(oursOnDocker) },
    ],
    { rounds },
  );
  return {
    benchmark: 'burst',
    title: `From one payload of ${TASKS} tasks to RUNNING of the last; the bare path starts ${WIDTH} at once`,
    rows: [...samples].map(([name, taken]) => ({
      name,
      unit: 'ms',
      samples: taken,
      ...(name === OURS && {
        against: [
          { row: BARE, aim: 1.25 },
          { row: OURS_ON_DOCKER, aim: 0.25 },
        ],
      }),
    })),
  };
}

async function burst(agent: AgentUnderTest): Promise<number> {
  const sent = agent.run(oneContainer(), TASKS);
  const took = (await agent.running(sent)) - sent.at;
  agent.stop(sent.arns);
  await agent.stopped(sent.arns);
  return took;
}

async function bareBurst(bare: BarePath): Promise<number> {
  const ends: (() => Promise<void>)[] = [];
  let left = TASKS;
  const startedAt = performance.now();
  const startSome = async () => {
    while (left > 0) {
      left -= 1;
      ends.push((await bare.start()).end);
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, startSome));
  const took = performance.now() - startedAt;
  for (const end of ends) await end();
  return took;
}
