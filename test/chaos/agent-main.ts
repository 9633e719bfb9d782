import { appendFileSync, readFileSync } from 'node:fs';
import { parseArguments } from '../../src/config/arguments.ts';
import type { StepPoint } from '../../src/engine/step-boundary.ts';
import { runAgent } from '../../src/run-agent.ts';
import { type KillPoint, killPointOf } from './kill-points.ts';

/**
 * The agent as it is, except that it kills itself once at the point that the family of each task names
 * (`killPointOf`). The points where it has died stand in the file that ECS_TEST_KILLED names.
 */
const file = process.env.ECS_TEST_KILLED;
if (file === undefined) throw new Error('ECS_TEST_KILLED must name the file of the points that are over');
const over = new Set(readFileSync(file, 'utf8').split('\n'));

function die(family: string): void {
  appendFileSync(file ?? '', `${family}\n`);
  process.kill(process.pid, 'SIGKILL');
}

function isMet(point: KillPoint, { step, boundary }: StepPoint): boolean {
  return (
    step.kind === point.kind &&
    boundary === (point.boundary === 'midway' ? 'before' : point.boundary) &&
    (point.container === undefined || ('container' in step && step.container === point.container))
  );
}

process.exit(
  await runAgent(parseArguments([]), (reached) => {
    const { family } = reached.task;
    if (over.has(family)) return;
    const point = killPointOf(family);
    if (!isMet(point, reached)) return;
    over.add(family);
    if (point.boundary === 'midway') setTimeout(() => die(family), point.afterMs);
    else die(family);
  }),
);
