import { ordinaryContainers } from './internal-containers.ts';
import type { StateReport } from './report.ts';
import type { DesiredStatus } from './statuses.ts';
import type { TaskSpec } from './task-spec.ts';
import type { ContainerState, TaskState } from './task-state.ts';

/** The state of a task that has just arrived, and what ECS must be told at once. */
export interface Admission {
  readonly state: TaskState;
  readonly reports: readonly StateReport[];
}

/**
 * Takes a task in. One that is to be stopped, or that cannot be run here (`refusal`), is STOPPED from the start
 * and reported so without anything being made: the former with its containers (ACS-34, OBS-21), the latter with
 * the reason alone (OBS-16, ENG-35).
 */
export function admitTask(
  spec: TaskSpec,
  desired: DesiredStatus,
  refusal: string | undefined,
  at: number,
): Admission {
  // As it is: only a reason of a resource begins with a capital letter (ecs-api.md §C8).
  const refused = refusal?.replace(/\s+/g, ' ').trim();
  const stopped = desired === 'STOPPED' || refused !== undefined;
  const containers = spec.containers.map(
    (container): ContainerState => ({
      name: container.name,
      generation: 0,
      known: stopped ? 'STOPPED' : 'NONE',
      desired: stopped ? 'STOPPED' : 'RUNNING',
      digestResolved: false,
      remains: stopped ? 'removed' : 'live',
    }),
  );
  const reported = stopped && desired === 'STOPPED' && refused === undefined;
  const state: TaskState = {
    spec,
    desired: stopped ? 'STOPPED' : 'RUNNING',
    known: stopped ? 'STOPPED' : 'NONE',
    knownAt: at,
    receivedAt: at,
    stoppedReason: refused ?? '',
    resources: stopped ? 'removed' : 'absent',
    containers,
    ...(reported && { executionStoppedAt: at }),
    reportedStatus: stopped ? 'STOPPED' : 'NONE',
    collected: [],
    unsettledReports: stopped ? 1 : 0,
  };
  if (!stopped) return { state, reports: [] };
  const report: StateReport = {
    task: spec.arn,
    status: 'STOPPED',
    reason: state.stoppedReason,
    containers: reported
      ? ordinaryContainers(spec).map(({ name }) => ({ containerName: name, status: 'STOPPED' as const }))
      : [],
    ...(state.executionStoppedAt !== undefined && { executionStoppedAt: state.executionStoppedAt }),
  };
  return { state, reports: [report] };
}

/** White space collapsed, first word capitalised (ENG-138). */
export function normaliseReason(text: string): string {
  const collapsed = text.replace(/\s+/g, ' ').trim();
  return collapsed.charAt(0).toUpperCase() + collapsed.slice(1);
}
