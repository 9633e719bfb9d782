import { runStartedAt } from './restart.ts';
import type { ContainerState, TaskState } from './task-state.ts';

/** A container's health check with its defaults filled in (task-engine.md §17); times in ms. */
export interface HealthCheck {
  /** Program and arguments; a shell for CMD-SHELL is written out. */
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in a row that make it UNHEALTHY. */
  readonly retries: number;
  /** Failures within this after the start do not count. */
  readonly startPeriodMs: number;
}

/** What is known of a container's health. */
export interface ContainerHealth {
  /** UNKNOWN until the first verdict (TCS-32). */
  readonly status: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY';
  /** Epoch ms of the last change of the status. */
  readonly since: number;
  /** End of the last probe, epoch ms. */
  readonly probedAt?: number;
  /** Failures in a row that count. */
  readonly failures: number;
  /** Of the last probe, at most 1024 characters (ENG-130). */
  readonly output: string;
  readonly exitCode?: number;
}

/** How one probe ended; without an exit code it ran out of time. */
export interface ProbeResult {
  readonly exitCode?: number;
  readonly output: string;
}

/** Characters of a probe's output that are kept (ENG-130). */
export const PROBE_OUTPUT_LIMIT = 1024;

/**
 * When the next probe is due: an interval after the start, then after each probe's end; at once when that lies in
 * the future, because the clock was set back while the agent was away.
 */
export function probeDueAt(check: HealthCheck, container: ContainerState, at: number): number {
  const last = container.health?.probedAt ?? runStartedAt(container) ?? 0;
  return last > at ? at : last + check.intervalMs;
}

/**
 * Docker's rules: any success is HEALTHY and ends the start period; `retries` failures in a row that count are
 * UNHEALTHY; between those the status stands.
 */
export function judgeProbe(
  check: HealthCheck,
  container: ContainerState,
  result: ProbeResult,
  at: number,
): ContainerHealth {
  const before = container.health ?? { status: 'UNKNOWN', since: at, failures: 0, output: '' };
  const ok = result.exitCode === 0;
  const inStartPeriod =
    before.status === 'UNKNOWN' &&
    at < (runStartedAt(container) ?? 0) + check.startPeriodMs &&
    before.failures === 0;
  const failures = ok ? 0 : before.failures + (inStartPeriod ? 0 : 1);
  const status = ok ? 'HEALTHY' : failures >= check.retries ? 'UNHEALTHY' : before.status;
  return {
    status,
    since: status === before.status ? before.since : at,
    probedAt: at,
    failures,
    output: result.output.slice(0, PROBE_OUTPUT_LIMIT),
    ...(result.exitCode !== undefined && { exitCode: result.exitCode }),
  };
}

/** What is known of a container's health, with what its last probe said. */
export function sayHealth(container: ContainerState | undefined): string {
  const health = container?.health;
  if (container?.known !== 'RUNNING' && health === undefined) return '';
  if (health?.probedAt === undefined) return ' and its health check has not run yet';
  const code = health.exitCode === undefined ? 'ran out of time' : `ended with exit code ${health.exitCode}`;
  const output = health.output.trim();
  return ` and ${health.status}: its last probe ${code}${output === '' ? ', without output' : ` and said: ${output}`}`;
}

/**
 * Whether two states of a task differ in nothing but how far its probes are: the status stands, so there is
 * nothing to remember over a restart (ENG-150).
 */
export function differOnlyInProbes(before: TaskState, after: TaskState): boolean {
  const { containers: old, ...restBefore } = before;
  const { containers: young, ...restAfter } = after;
  return old.every((container, i) => isSameButProbes(container, young[i])) && isSame(restBefore, restAfter);
}

function isSameButProbes(before: ContainerState, after: ContainerState | undefined): boolean {
  if (before === after) return true;
  if (before.known !== after?.known) return false;
  if (after.health === undefined || after.health.status !== (before.health?.status ?? 'UNKNOWN'))
    return false;
  const { health: _, ...restBefore } = before;
  const { health: __, ...restAfter } = after;
  return isSame(restBefore, restAfter);
}

function isSame(a: object, b: object): boolean {
  const left = Object.entries(a);
  const right = new Map(Object.entries(b));
  return (
    left.length === right.size && left.every(([key, value]) => right.has(key) && right.get(key) === value)
  );
}
