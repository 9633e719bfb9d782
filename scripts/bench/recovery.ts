import type { BenchmarkOptions } from '../bench.ts';
import type { AgentUnderTest } from './agent-under-test.ts';
import { Contenders, OURS, OURS_ON_DOCKER } from './contenders.ts';
import { interleave } from './interleave.ts';
import type { Report, Row } from './report.ts';
import { oneContainer } from './task-shapes.ts';

const ROUNDS = 10;
const TASKS = 50;
const EMPTY = `${OURS}, no tasks`;
const FULL = `${OURS}, ${TASKS} tasks`;
const FULL_ON_DOCKER = `${OURS_ON_DOCKER}, ${TASKS} tasks`;

const AIMS: Readonly<Record<string, Pick<Row, 'aim' | 'against'>>> = {
  [EMPTY]: { aim: 350 },
  [FULL]: { aim: 600, against: [{ row: FULL_ON_DOCKER }] },
};

/** `npm run bench -- recovery`: an agent that was killed comes back, without tasks and to tasks that run. */
export async function runBenchmark({ rounds = ROUNDS }: BenchmarkOptions): Promise<Report> {
  await using contenders = await Contenders.start();
  const { ours, oursOnDocker } = contenders;
  const empty = await interleave([{ name: EMPTY, measure: () => ours.killAndStart() }], { rounds });
  const stops = [await fill(ours), await fill(oursOnDocker)];
  const full = await interleave(
    [
      { name: FULL, measure: () => comeBack(ours) },
      { name: FULL_ON_DOCKER, measure: () => comeBack(oursOnDocker) },
    ],
    { rounds },
  );
  for (const stop of stops) await stop();
  return {
    benchmark: 'recovery',
    title: 'From the exec of an agent that was killed to registered, connected to ACS and all tasks adopted',
    rows: [...empty, ...full].map(([name, samples]) => ({ name, unit: 'ms', samples, ...AIMS[name] })),
  };
}

/** Runs tasks to be recovered; gives how to end them. */
async function fill(agent: AgentUnderTest): Promise<() => Promise<void>> {
  const sent = agent.run(oneContainer(), TASKS);
  await agent.running(sent);
  return async () => {
    agent.stop(sent.arns);
    await agent.stopped(sent.arns);
  };
}

/** No task may be lost on the way. */
async function comeBack(agent: AgentUnderTest): Promise<number> {
  const took = await agent.killAndStart();
  const running = (await agent.agent.ask())?.tasks.filter(({ known }) => known === 'RUNNING').length ?? 0;
  if (running !== TASKS) throw new Error(`${running} of ${TASKS} tasks run after the kill`);
  return took;
}
