import type { ContainerExit } from './container-facts.ts';
import type { ContainerStatus } from './statuses.ts';
import type { ContainerSpec } from './task-spec.ts';
import type { ContainerState } from './task-state.ts';

/** Starts a container again that ended by itself, in place (task-engine.md §5.5). */
export interface RestartPolicy {
  /** Exit codes that end it for good. */
  readonly ignoredExitCodes: readonly number[];
  /** It has to have run this long since its last start. */
  readonly attemptPeriodMs: number;
}

/**
 * Restarts of a container so far. While one is under way the container stays RUNNING (ENG-53):
 *
 *   RUNNING ─exit, policy says so─► RUNNING with `exit` ─started─► RUNNING
 *                                        └─cannot be started, or is to stop─► STOPPED with that exit
 */
export interface Restarts {
  readonly count: number;
  /** Epoch ms of the last one's beginning. */
  readonly at: number;
  /** The run that ended last; what is told of it or of earlier ones is old news. */
  readonly endedRun: number;
  /** How that run ended; present until the next one has begun. */
  readonly exit?: ContainerExit;
}

/** Whether a run's end, which is learnt of at `at`, is answered with another start (ENG-51). */
export function isRestarted(
  spec: ContainerSpec,
  container: ContainerState,
  exit: ContainerExit,
  at: number,
): boolean {
  const policy = spec.restartPolicy;
  if (policy === undefined || container.desired === 'STOPPED' || container.known !== 'RUNNING') return false;
  if (exit.exitCode === undefined || policy.ignoredExitCodes.includes(exit.exitCode)) return false;
  const since = runStartedAt(container) ?? exit.exitedAt;
  // The runtime tells by the machine's clock, which may have been set meanwhile.
  const endedAt = exit.exitedAt >= since && exit.exitedAt <= at ? exit.exitedAt : at;
  return endedAt - since >= policy.attemptPeriodMs;
}

/** A container whose last run has ended and that is to be started again. Its health begins anew. */
export function restarting(container: ContainerState, exit: ContainerExit, at: number): ContainerState {
  const { health: _, ...rest } = container;
  const count = (container.restarts?.count ?? 0) + 1;
  return { ...rest, finishedAt: exit.exitedAt, restarts: { count, at, endedRun: exit.run ?? 0, exit } };
}

/** Its next run has begun, or never will. */
export function restarted(container: ContainerState, pid: number | undefined): ContainerState {
  if (container.restarts?.exit === undefined || container.known === 'STOPPED') return container;
  const { exit: _, ...restarts } = container.restarts;
  return { ...container, ...(pid !== undefined && { pid }), restarts };
}

/** Whether an exit is of a run that has been followed by another start, or is about to be. */
export function isOldRun(container: ContainerState, exit: ContainerExit): boolean {
  return container.restarts !== undefined && (exit.run ?? 0) <= container.restarts.endedRun;
}

/** Whether the run that followed `afterRun` has not been seen to end: a look may tell that before its start is told. */
export function isLatestRestart({ restarts }: ContainerState, afterRun: number): boolean {
  return restarts !== undefined && afterRun >= restarts.endedRun;
}

/** Epoch ms from which the current run is known; what is measured of it counts from here. */
export function runStartedAt({ restarts, known, knownAt, startedAt }: ContainerState): number | undefined {
  return restarts?.at ?? (known === 'RUNNING' ? knownAt : undefined) ?? startedAt;
}

/** What a look at a container may not contradict: of one that is being started again no more than CREATED. */
export function surelyKnown(container: ContainerState): ContainerStatus {
  return container.restarts?.exit === undefined ? container.known : 'CREATED';
}
