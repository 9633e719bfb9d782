import { renderReason } from './errors.ts';
import { containerIdOf } from './ids.ts';
import { isInternal } from './internal-containers.ts';
import type { Reduced } from './reduce.ts';
import type { ContainerReport, StateReport } from './report.ts';
import { compareTaskStatus, type TaskStatus } from './statuses.ts';
import { taskFraction } from './task-fraction.ts';
import type { ContainerState, TaskState } from './task-state.ts';

/** A container change alone is told after 10 to 30 s, with the task's status of then (ecs-api.md §C6.3). */
const COLLECT_MIN_MS = 10_000;
const COLLECT_SPREAD_MS = 20_000;

/**
 * Adds a container's change to those that the next report takes along: a digest that the agent resolved, the
 * start, the stop (ecs-api.md §C3). Statuses between are nobody's business, nor are internal containers (ENG-90).
 */
export function collectContainerChange(
  state: TaskState,
  before: ContainerState,
  after: ContainerState,
): readonly ContainerReport[] {
  if (before.known === after.known || isInternal(state.spec, after.name)) return state.collected;
  const changes: ContainerReport[] = [];
  if (before.known === 'NONE' && after.digestResolved && after.known === 'MANIFEST_PULLED')
    changes.push({ ...describe(state, after), status: 'PENDING' });
  const ranUnseen =
    after.known === 'STOPPED' && after.startedAt !== undefined && before.startedAt === undefined;
  if (after.known === 'RUNNING' || ranUnseen) changes.push({ ...describe(state, after), status: 'RUNNING' });
  if (after.known === 'STOPPED') changes.push({ ...describe(state, after), status: 'STOPPED' });
  return changes.length === 0 ? state.collected : [...state.collected, ...changes];
}

/** Turns what changed between two states into reports; marks in the new state what has been put into them. */
export function reportChanges(before: TaskState, after: TaskState, at: number): Reduced {
  const reports: StateReport[] = [];
  let state = after;
  const send = (status: TaskStatus) => {
    const later = status === 'RUNNING' && state.known === 'STOPPED' ? isStop : () => false;
    const containers = state.collected.filter((change) => !later(change));
    reports.push(taskReport(state, status, containers));
    const { collectedAt: _, ...rest } = state;
    state = {
      ...rest,
      collected: state.collected.filter(later),
      reportedStatus: status,
      unsettledReports: state.unsettledReports + 1,
    };
  };
  // RUNNING is told even of a task that is over by then (OBS-09), if its containers all ran.
  if (ranUnreported(state)) send('RUNNING');
  if (compareTaskStatus(state.known, state.reportedStatus) > 0 && isReportable(state)) send(state.known);
  if (state.collected.length > 0 && state.collectedAt === undefined) state = { ...state, collectedAt: at };
  if (collectionDueAt(state) <= at) send(state.known);
  return state === before ? { state: before, reports } : { state, reports };
}

/** Epoch ms at which collected container changes must go out by themselves; Infinity when there are none. */
export function collectionDueAt(state: TaskState): number {
  if (state.collectedAt === undefined || state.known === 'STOPPED') return Number.POSITIVE_INFINITY;
  return state.collectedAt + COLLECT_MIN_MS + Math.floor(taskFraction(state) * COLLECT_SPREAD_MS);
}

function ranUnreported(state: TaskState): boolean {
  return (
    state.known === 'STOPPED' &&
    compareTaskStatus(state.reportedStatus, 'RUNNING') < 0 &&
    state.containers.every((c) => c.startedAt !== undefined)
  );
}

/** MANIFEST_PULLED is told only when a digest was resolved that the reference did not carry (ENG-89). */
function isReportable(state: TaskState): boolean {
  switch (state.known) {
    case 'RUNNING':
    case 'STOPPED':
      return true;
    case 'MANIFEST_PULLED':
      return state.containers.some((c) => c.digestResolved);
    case 'NONE':
    case 'CREATED':
      return false;
  }
}

const isStop = (change: ContainerReport) => change.status === 'STOPPED';

function taskReport(
  state: TaskState,
  status: TaskStatus,
  containers: readonly ContainerReport[],
): StateReport {
  return {
    task: state.spec.arn,
    status: status === 'RUNNING' || status === 'STOPPED' ? status : 'PENDING',
    reason: status === 'STOPPED' ? state.stoppedReason : '',
    containers,
    ...(state.pullStartedAt !== undefined && { pullStartedAt: state.pullStartedAt }),
    ...(state.pullStoppedAt !== undefined && { pullStoppedAt: state.pullStoppedAt }),
    ...(status === 'STOPPED' &&
      state.executionStoppedAt !== undefined && { executionStoppedAt: state.executionStoppedAt }),
  };
}

function describe(state: TaskState, container: ContainerState): Omit<ContainerReport, 'status'> {
  const wasCreated = container.createdAt !== undefined || container.startedAt !== undefined;
  return {
    containerName: container.name,
    ...(wasCreated && { runtimeId: containerIdOf(state.spec.arn, container.name, container.generation) }),
    ...(container.imageDigest !== undefined && { imageDigest: container.imageDigest }),
    ...(container.exitCode !== undefined && { exitCode: container.exitCode }),
    ...(container.portBindings !== undefined && { portBindings: container.portBindings }),
    ...(container.reason !== undefined && { reason: renderReason(container.reason) }),
  };
}
