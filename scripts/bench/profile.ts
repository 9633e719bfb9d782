import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { getIntrospection } from '../../test/support/introspection.ts';
import { makeScratch } from '../../test/support/scratch.ts';
import { FROM_SOURCE } from './agent-build.ts';
import type { AgentUnderTest } from './agent-under-test.ts';
import { startOnContainerd } from './contenders.ts';
import { figure, textTable } from './print-report.ts';
import { oneContainer } from './task-shapes.ts';
import { callsWithin, profileOf, type TracedCall, type TracedStart, traceEvents } from './traced-calls.ts';

const STARTS = 15;
/** The agent writes its trace down a little later. */
const FLUSH_MS = 150;

const timelineSchema = z.object({
  transitions: z.array(
    z.looseObject({ at: z.string(), what: z.string(), to: z.string(), container: z.string().optional() }),
  ),
});

/**
 * Where the time of a start goes: a table, and with `traceFile` the start of median length for the browser's trace
 * viewer. The agent runs from source with its calls traced, which makes it a little slower than what is installed.
 */
export async function profileStarts(traceFile: string | undefined): Promise<readonly string[]> {
  await using stack = new AsyncDisposableStack();
  const trace = stack.use(makeScratch()).path('trace');
  writeFileSync(trace, '');
  const [node, main = ''] = FROM_SOURCE.program;
  const { agent } = await startOnContainerd(
    stack,
    [node, '--import', join(import.meta.dirname, 'trace-calls.ts'), main],
    { env: { BENCH_TRACE_FILE: trace } },
  );
  const starts: TracedStart[] = [];
  for (let round = 0; round < STARTS; round += 1) starts.push(await tracedStart(agent, trace));
  const [, , ...warm] = starts;
  if (traceFile !== undefined) writeTrace(traceFile, warm);
  return table(warm);
}

async function tracedStart(agent: AgentUnderTest, trace: string): Promise<TracedStart> {
  const { arn, sentAt, startMs } = await agent.startAndStop(oneContainer());
  await delay(FLUSH_MS);
  const from = performance.timeOrigin + sentAt;
  const until = from + startMs;
  const calls = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): TracedCall => JSON.parse(line));
  return { from, until, calls: callsWithin([...calls, ...(await statuses(agent, arn))], from, until) };
}

/** When the task and its container came to their statuses, by the agent's own timeline. */
async function statuses(agent: AgentUnderTest, arn: string): Promise<readonly TracedCall[]> {
  const { body } = await getIntrospection(
    agent.agent.options.runDir,
    `/v1/tasks/${arn.slice(arn.lastIndexOf('/') + 1)}/timeline`,
  );
  return timelineSchema
    .parse(JSON.parse(body))
    .transitions.filter(({ what }) => what === 'known')
    .map(({ at, to, container }) => ({
      who: 'agent',
      name: `${container === undefined ? 'task' : 'container'} is ${to}`,
      at: Date.parse(at),
      ms: 0,
    }));
}

function table(starts: readonly TracedStart[]): readonly string[] {
  const rows = profileOf(starts).map(({ name, count, beginsAt, takes }) => [
    name,
    String(count),
    figure(beginsAt),
    figure(takes),
  ]);
  return [
    `Where the time of a start goes (medians of ${starts.length}, ms; statuses are moments, to the ms):`,
    ...textTable([['', 'calls', 'first begins at', 'together take'], ...rows]),
  ];
}

function writeTrace(file: string, starts: readonly TracedStart[]): void {
  const byLength = starts.toSorted((a, b) => a.until - a.from - (b.until - b.from));
  const start = byLength[Math.floor(byLength.length / 2)];
  if (start !== undefined) writeFileSync(file, JSON.stringify({ traceEvents: traceEvents(start) }));
}
