import { hostProcesses } from '../support/processes.ts';
import type { Shape } from './shapes.ts';

/** A SubmitTaskStateChange as ECS got it. */
export interface Report {
  readonly task: string;
  readonly status: string;
  readonly reason?: string;
  readonly containers: readonly {
    readonly containerName: string;
    readonly status: string;
    readonly exitCode?: number;
    readonly reason?: string;
  }[];
  /** Epoch ms. */
  readonly at: number;
  /** Whether processes of the task lived when the report came. */
  readonly lived: boolean;
}

/** Whether a process of the task runs; its family stands in each of its programs. */
export function lives(family: string): boolean {
  return hostProcesses().some(
    ({ args }) => args.includes('sh') && args.some((arg) => arg.includes(`${family}`)),
  );
}

const RANK: Readonly<Record<string, number>> = { PENDING: 0, RUNNING: 1, STOPPED: 2 };

/** What of a task's end is not as it must be; empty when everything is. `deaths` are the agent's. */
export function judge(
  shape: Shape,
  tally: readonly string[],
  reports: readonly Report[],
  deaths: readonly number[],
): readonly string[] {
  return [...judgeTally(shape, tally), ...judgeOrder(reports, deaths), ...judgeContents(shape, reports)];
}

function judgeTally(shape: Shape, tally: readonly string[]): string[] {
  const names = Object.keys(shape.exitCodes);
  const of = (lines: readonly string[], name: string) =>
    lines.filter((line) => line.startsWith(`${name} `)).join(', ');
  const isRight =
    tally.length === shape.tally.length &&
    names.every((name) => of(tally, name) === of(shape.tally, name)) &&
    (shape.unordered === true || tally.join() === shape.tally.join());
  return isRight ? [] : [`its containers did: ${tally.join(', ')}; right is: ${shape.tally.join(', ')}`];
}

/** Nothing goes back, nothing follows STOPPED, nothing is said twice unless the agent died in between. */
function judgeOrder(reports: readonly Report[], deaths: readonly number[]): string[] {
  const wrong: string[] = [];
  const seen = new Map<string, number>();
  let highest = 0;
  for (const { at, lived, ...report } of reports) {
    const rank = RANK[report.status] ?? -1;
    const text = JSON.stringify(report);
    const before = seen.get(text);
    if (before !== undefined) {
      if (!deaths.some((death) => death >= before && death <= at)) wrong.push(`said twice: ${text}`);
    } else if (rank < highest || highest === 2) {
      wrong.push(`said too late: ${text}`);
    }
    if (report.status === 'STOPPED' && lived) wrong.push('STOPPED was said while a process of it lived');
    seen.set(text, at);
    highest = Math.max(highest, rank);
  }
  return wrong;
}

/** Nothing is lost, nothing is false. */
function judgeContents(shape: Shape, reports: readonly Report[]): string[] {
  const wrong: string[] = [];
  const all = Object.keys(shape.exitCodes);
  const changes = reports.flatMap(({ containers }) => containers);
  const defined = shape.define('').map(({ name = '' }) => name);
  const everyoneRuns = defined.every((name) => shape.run.includes(name));
  const statuses = reports.map(({ status }) => status);
  if (everyoneRuns && !statuses.includes('RUNNING')) wrong.push('RUNNING was never said');
  if (!statuses.includes('STOPPED')) wrong.push('STOPPED was never said');
  for (const { reason } of reports) if (reason) wrong.push(`the task has a reason: ${reason}`);
  for (const name of defined) {
    const own = changes.filter(({ containerName }) => containerName === name);
    const ran = all.includes(name);
    if (ran !== own.some(({ status }) => status === 'RUNNING'))
      wrong.push(`${name} ${ran ? 'was not' : 'was'} said to be RUNNING`);
    const ends = own.filter(({ status }) => status === 'STOPPED');
    if (ends.length === 0) wrong.push(`${name} was not said to be STOPPED`);
    for (const { exitCode, reason } of ends) {
      if (exitCode !== shape.exitCodes[name])
        wrong.push(`${name} was said to have ended with ${exitCode}, not ${shape.exitCodes[name]}`);
      if (ran && reason) wrong.push(`${name} has a reason: ${reason}`);
    }
  }
  return wrong;
}
