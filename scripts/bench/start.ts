import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchmarkOptions } from '../bench.ts';
import type { AgentUnderTest } from './agent-under-test.ts';
import {
  BARE,
  BARE_LIKE_OURS,
  bareLike,
  bareStart,
  Contenders,
  CTR,
  DOCKER,
  OURS,
  OURS_ON_DOCKER,
  startOnContainerd,
  WITH_CRUN,
} from './contenders.ts';
import { interleave } from './interleave.ts';
import { profileStarts } from './profile.ts';
import type { Report, Row } from './report.ts';
import { dependant, oneContainer, publishedPort } from './task-shapes.ts';

const ROUNDS = 20;
const BRIDGE = 'bridge, one published port';
const ACK = 'payload to ack';
const DEPENDANT = 'end of a dependency to its dependant';

/** What the medians are to be at most. */
const AIMS: Readonly<Record<string, Pick<Row, 'aim' | 'against'>>> = {
  [OURS]: {
    against: [
      { row: BARE, aim: 1.35 },
      { row: BARE_LIKE_OURS },
      { row: CTR, aim: 0.9 },
      { row: OURS_ON_DOCKER, aim: 0.35 },
      { row: DOCKER },
    ],
  },
  [`${OURS}${WITH_CRUN}`]: {
    against: [
      { row: `${BARE_LIKE_OURS}${WITH_CRUN}` },
      { row: BARE },
      { row: CTR },
      { row: OURS_ON_DOCKER },
      { row: DOCKER },
    ],
  },
  [`${OURS}, ${BRIDGE}`]: {
    against: [
      { row: OURS, aim: 1.15 },
      { row: `${OURS_ON_DOCKER}, ${BRIDGE}`, aim: 0.3 },
    ],
  },
  [`${OURS}, ${DEPENDANT}`]: { against: [{ row: BARE, aim: 1.2 }] },
  [`${OURS}, ${ACK}`]: { aim: 10 },
};

/** `npm run bench -- start`: one task at a time, its image here, nothing else going on. */
export async function runBenchmark({ rounds = ROUNDS, traceFile }: BenchmarkOptions): Promise<Report> {
  return { ...(await measureStarts(rounds)), notes: await profileStarts(traceFile) };
}

async function measureStarts(rounds: number): Promise<Report> {
  await using contenders = await Contenders.start();
  const { ours, oursOnDocker, bare, program, onContainerd } = contenders;
  using bareLikeOurs = await bareLike(onContainerd);
  await using more = new AsyncDisposableStack();
  const onCrun = await startOnContainerd(more, program, { crun: true });
  using bareOnCrun = await bareLike(onCrun);
  const acks: number[] = [];
  const samples = await interleave(
    [
      {
        name: OURS,
        measure: async () => {
          const { startMs, ackMs } = await ours.startAndStop(oneContainer());
          acks.push(ackMs);
          return startMs;
        },
      },
      { name: BARE, measure: () => bareStart(bare) },
      { name: BARE_LIKE_OURS, measure: () => bareStart(bareLikeOurs) },
      {
        name: `${OURS}${WITH_CRUN}`,
        measure: async () => (await onCrun.agent.startAndStop(oneContainer())).startMs,
      },
      { name: `${BARE_LIKE_OURS}${WITH_CRUN}`, measure: () => bareStart(bareOnCrun) },
      { name: CTR, measure: () => contenders.ctrRun() },
      {
        name: OURS_ON_DOCKER,
        measure: async () => (await oursOnDocker.startAndStop(oneContainer())).startMs,
      },
      { name: DOCKER, measure: () => contenders.dockerRun() },
      {
        name: `${OURS}, ${BRIDGE}`,
        measure: async () => (await ours.startAndStop(publishedPort())).startMs,
      },
      {
        name: `${OURS_ON_DOCKER}, ${BRIDGE}`,
        measure: async () => (await oursOnDocker.startAndStop(publishedPort())).startMs,
      },
      { name: `${OURS}, ${DEPENDANT}`, measure: (round) => afterDependency(ours, round) },
      { name: `${OURS_ON_DOCKER}, ${DEPENDANT}`, measure: (round) => afterDependency(oursOnDocker, round) },
    ],
    { rounds },
  );
  const all = new Map([...samples, [`${OURS}, ${ACK}`, acks.slice(-rounds)]]);
  return {
    benchmark: 'start',
    title: 'From the payload to RUNNING reported: one container, host network, image present',
    rows: [...all].map(([name, taken]) => ({ name, unit: 'ms', samples: taken, ...AIMS[name] })),
  };
}

/** From the last act of a container to the first of the one that waits for its end, ms. */
async function afterDependency(agent: AgentUnderTest, round: number): Promise<number> {
  const marks = join(agent.directory, `marks-${round}`);
  mkdirSync(marks);
  await agent.startAndStop(dependant(marks));
  return statSync(join(marks, 'app')).mtimeMs - statSync(join(marks, 'first')).mtimeMs;
}
