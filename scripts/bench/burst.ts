import type { BenchmarkOptions } from '../bench.ts';
import type { AgentUnderTest } from './agent-under-test.ts';
import type { BarePath } from './bare-path.ts';
import { BARE, Contenders, OURS, OURS_ON_DOCKER } from './contenders.ts';
import { type ContenderProcesses, machineSeconds, processesOf, processorSeconds } from './host-cost.ts';
import { interleave } from './interleave.ts';
import type { Report, Row } from './report.ts';
import { oneContainer } from './task-shapes.ts';

const ROUNDS = 5;
const WARM_UPS = 1;
const TASKS = 50;
/** Starts at once: the best that two cores can do, of 1 to 16. */
const WIDTH = 4;
const EVERYTHING = 'everything';

/** `npm run bench -- burst`: fifty tasks of one container in one payload, and whose processor time they take. */
export async function runBenchmark({ rounds = ROUNDS }: BenchmarkOptions): Promise<Report> {
  await using contenders = await Contenders.start();
  const { ours, oursOnDocker, bare } = contenders;
  const onContainerd = processesOf(contenders.onContainerd);
  const onDocker = processesOf(contenders.onDocker);
  const time = new ProcessorTime();
  const samples = await interleave(
    [
      { name: OURS, measure: () => burst(ours, time.of(OURS, onContainerd)) },
      { name: BARE, measure: () => bareBurst(bare, time.of(BARE, { daemons: onContainerd.daemons })) },
      { name: OURS_ON_DOCKER, measure: () => burst(oursOnDocker, time.of(OURS_ON_DOCKER, onDocker)) },
    ],
    { rounds, warmUps: WARM_UPS },
  );
  return {
    benchmark: 'burst',
    title: `From one payload of ${TASKS} tasks to RUNNING of the last; the bare path starts ${WIDTH} at once`,
    rows: [
      ...[...samples].map(([name, taken]) => ({
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
      ...time.rows(),
    ],
    notes: [
      'Of processor time, daemons are containerd, or dockerd and its containerd, with the programs that they ran and',
      'waited for; everything is the whole machine: shims, OCI runtime, kernel, and whoever measures as well.',
    ],
  };
}

/** Begins to count; to be called again at the end. */
type Count = () => () => void;

/** Whose processor time goes into bursts. */
class ProcessorTime {
  readonly #samples = new Map<string, number[]>();

  of(name: string, { agent, daemons }: Partial<ContenderProcesses>): Count {
    const parts = [
      ...(agent === undefined ? [] : [{ part: 'agent', read: () => processorSeconds([agent]) }]),
      { part: 'daemons', read: () => processorSeconds(daemons ?? []) },
      { part: EVERYTHING, read: machineSeconds },
    ];
    return () => {
      const before = parts.map(({ read }) => read());
      return () => {
        for (const [index, { part, read }] of parts.entries())
          this.#add(`${name}: ${part}`, read() - (before[index] ?? 0));
      };
    };
  }

  rows(): readonly Row[] {
    return [...this.#samples].map(([name, taken]) => ({
      name,
      unit: 's of CPU',
      samples: taken.slice(WARM_UPS),
      ...(name === `${OURS}: ${EVERYTHING}` && {
        against: [{ row: `${BARE}: ${EVERYTHING}` }, { row: `${OURS_ON_DOCKER}: ${EVERYTHING}` }],
      }),
    }));
  }

  #add(name: string, seconds: number): void {
    this.#samples.set(name, [...(this.#samples.get(name) ?? []), seconds]);
  }
}

async function burst(agent: AgentUnderTest, count: Count): Promise<number> {
  const counted = count();
  const sent = agent.run(oneContainer(), TASKS);
  const took = (await agent.running(sent)) - sent.at;
  counted();
  agent.stop(sent.arns);
  await agent.stopped(sent.arns);
  return took;
}

async function bareBurst(bare: BarePath, count: Count): Promise<number> {
  const ends: (() => Promise<void>)[] = [];
  let left = TASKS;
  const startSome = async () => {
    while (left > 0) {
      left -= 1;
      ends.push((await bare.start()).end);
    }
  };
  const counted = count();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: WIDTH }, startSome));
  const took = performance.now() - startedAt;
  counted();
  for (const end of ends) await end();
  return took;
}
