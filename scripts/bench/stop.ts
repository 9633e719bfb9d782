import type { BenchmarkOptions } from '../bench.ts';
import { Contenders, OURS, OURS_ON_DOCKER } from './contenders.ts';
import { interleave } from './interleave.ts';
import type { Report } from './report.ts';

const ROUNDS = 20;

/** `npm run bench -- stop`: of a process that ends as soon as it is told to. */
export async function runBenchmark({ rounds = ROUNDS }: BenchmarkOptions): Promise<Report> {
  await using contenders = await Contenders.start();
  const { ours, oursOnDocker } = contenders;
  const samples = await interleave(
    [
      { name: OURS, measure: async () => (await ours.startAndStop()).stopMs },
      { name: OURS_ON_DOCKER, measure: async () => (await oursOnDocker.startAndStop()).stopMs },
    ],
    { rounds },
  );
  return {
    benchmark: 'stop',
    title: 'From the payload that stops a task to STOPPED reported; the process obeys SIGTERM',
    rows: [...samples].map(([name, taken]) => ({
      name,
      unit: 'ms',
      samples: taken,
      ...(name === OURS && { aim: 25, against: [{ row: OURS_ON_DOCKER }] }),
    })),
  };
}
