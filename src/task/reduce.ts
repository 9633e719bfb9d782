import { normaliseReason } from './admit.ts';
import {
  connected,
  created,
  ended,
  lostWithHost,
  observed,
  probed,
  started,
  stopped,
  withReason,
} from './container-moves.ts';
import { DEPENDENCY_FAILED_EXIT_CODE, judgeDependencies, mayStop } from './dependencies.ts';
import { type Reason, renderReason } from './errors.ts';
import type { TaskEvent, TaskRules } from './event.ts';
import { endWithNamespaces, isInternal } from './internal-containers.ts';
import type { StateReport } from './report.ts';
import { collectContainerChange, reportChanges } from './reports.ts';
import { isLatestRestart, restarted } from './restart.ts';
import { compareContainerStatus, compareTaskStatus } from './statuses.ts';
import { knownTaskStatus } from './task-progress.ts';
import type { ContainerState, TaskState } from './task-state.ts';

/** What an event made of a task, and what ECS must now be told. */
export interface Reduced {
  readonly state: TaskState;
  readonly reports: readonly StateReport[];
}

/**
 * Moves a task by one event. Pure; the only way a task's state changes after admission. Events may come twice,
 * late or out of order: those that say nothing new return the same state object.
 */
export function reduce(state: TaskState, event: TaskEvent, at: number, rules: TaskRules): Reduced {
  const moved = dated(state, settle(apply(state, event, at, rules), at), at);
  return reportChanges(state, moved, at);
}

/** Notes when containers came to where they are. */
function dated(before: TaskState, after: TaskState, at: number): TaskState {
  if (before.containers === after.containers) return after;
  const containers = after.containers.map((container, i) =>
    container.known === before.containers[i]?.known ? container : { ...container, knownAt: at },
  );
  return { ...after, containers };
}

function apply(state: TaskState, event: TaskEvent, at: number, rules: TaskRules): TaskState {
  switch (event.kind) {
    case 'tick':
      return state;
    case 'stopRequested':
      return state.desired === 'STOPPED' ? state : { ...state, desired: 'STOPPED' };
    case 'hostResourcesTaken':
      return state.admittedAt === undefined && state.known !== 'STOPPED' ? admitted(state, at) : state;
    case 'hostRestarted':
      return hostRestarted(state, at);
    case 'resourcesReady':
      return state.resources === 'absent' ? { ...state, resources: 'ready' } : state;
    case 'secretsFetched':
      return state.fetched === true ? state : { ...state, fetched: true };
    case 'taskNetworkReleased':
      return state.known === 'STOPPED' ? { ...state, networkReleased: true } : state;
    case 'resourcesRemoved':
      return { ...state, resources: 'removed' };
    case 'reportSettled':
      return { ...state, unsettledReports: Math.max(0, state.unsettledReports - 1) };
    case 'imageResolved':
      return update(state, event.container, (c) =>
        c.known === 'NONE'
          ? {
              ...c,
              known: 'MANIFEST_PULLED',
              ...(event.digest !== undefined && { imageDigest: event.digest, digestResolved: true }),
            }
          : c,
      );
    case 'imagePinned':
      return update(state, event.container, (c) =>
        c.known === 'NONE' ? { ...c, known: 'MANIFEST_PULLED', imageDigest: event.digest } : c,
      );
    case 'imageUnresolved':
      return update(state, event.container, (c) =>
        c.known === 'NONE' ? { ...withReason(c, event.reason), known: 'MANIFEST_PULLED' } : c,
      );
    case 'pullStarted':
      return state.pullStartedAt === undefined ? { ...state, pullStartedAt: at } : state;
    case 'pullEnded':
      return { ...state, pullStoppedAt: at };
    case 'imagePulled':
      return update(state, event.container, (c) =>
        c.known === 'MANIFEST_PULLED'
          ? { ...c, known: 'PULLED', imageName: event.imageName, imageId: event.imageId }
          : c,
      );
    case 'networkReady':
      return update(state, event.container, (c) => connected(c, event.bindings, event.addresses));
    case 'containerCreated':
      return update(state, event.container, (c) => (c.known === 'PULLED' ? created(c, at) : c));
    case 'containerStarted':
      return update(state, event.container, (c) =>
        compareContainerStatus(c.known, 'RUNNING') < 0 ? started(c, event.pid, event.startedAt) : c,
      );
    case 'containerRestarted':
      return update(state, event.container, (c) =>
        isLatestRestart(c, event.afterRun) ? restarted(c, event.pid) : c,
      );
    case 'containerStopped':
      return update(state, event.container, (c) => ended(state, c, event.exit, at));
    case 'containerReleased':
      return update(state, event.container, (c) =>
        c.remains === 'exited' ? { ...c, remains: 'released' } : c,
      );
    case 'containerRemoved':
      return update(state, event.container, (c) =>
        c.known === 'STOPPED' && c.remains !== 'removed' ? { ...c, remains: 'removed' } : c,
      );
    case 'healthProbed':
      return update(state, event.container, (c) => probed(state, c, event.result, at));
    case 'containerObserved':
      return update(state, event.container, (c) => observed(state, c, event, at));
    case 'stepTimedOut':
      return update(state, event.container, (c) => (c.known === 'STOPPED' ? c : withReason(c, event.reason)));
    case 'stepFailed':
      return failed(state, event.container, event.reason, rules);
  }
}

/** Follows from the facts: who else must stop, what is over, the task's own status (task-engine.md §2). */
function settle(before: TaskState, at: number): TaskState {
  let state = endWithNamespaces(before);
  for (let before: TaskState | undefined; before !== state; ) {
    before = state;
    for (const { name } of state.containers)
      state = update(state, name, (c) => settleContainer(state, c, at));
    if (state.desired === 'RUNNING' && essentialEnds(state)) state = { ...state, desired: 'STOPPED' };
  }
  if (state.executionStoppedAt === undefined) {
    const ended = firstEssentialStop(state, at);
    if (ended !== undefined) state = { ...state, executionStoppedAt: ended };
  }
  const known = knownTaskStatus(state);
  return compareTaskStatus(known, state.known) > 0 ? { ...state, known, knownAt: at } : state;
}

/**
 * Hands the task's wish down. A container of which nothing can exist in the runtime is over at once; one that
 * runs begins to stop when those that depend on it have stopped. One whose dependencies can never be met any
 * more is over with exit code 143.
 */
function settleContainer(state: TaskState, container: ContainerState, at: number): ContainerState {
  // One that ended by itself is wanted RUNNING until its task is to stop; that is what users are shown.
  if (container.known === 'STOPPED') {
    const isOut = state.desired === 'STOPPED' && container.desired === 'RUNNING';
    return isOut ? { ...container, desired: 'STOPPED' } : container;
  }
  const unborn = compareContainerStatus(container.known, 'PULLED') < 0;
  if (state.desired === 'RUNNING' && container.desired === 'RUNNING') {
    if (!unborn && container.known !== 'PULLED') return container;
    const verdict = judgeDependencies(state, container.name, at);
    if (verdict.kind !== 'failed') return container;
    const failed = { ...withReason(container, verdict.reason), exitCode: DEPENDENCY_FAILED_EXIT_CODE };
    return { ...stopped(failed, undefined, at), desired: 'STOPPED', remains: 'removed' };
  }
  if (unborn) return { ...stopped(container, undefined, at), desired: 'STOPPED', remains: 'removed' };
  const begins = container.stopRequestedAt === undefined && mayStop(state, container.name);
  if (container.desired === 'STOPPED' && !begins) return container;
  return { ...container, desired: 'STOPPED', ...(begins && { stopRequestedAt: at }) };
}

/** Internal containers are made from nothing that would have to be looked up or pulled (task-engine.md §8.2). */
function admitted(state: TaskState, at: number): TaskState {
  const containers = state.containers.map((c) =>
    c.known === 'NONE' && isInternal(state.spec, c.name) ? ({ ...c, known: 'PULLED' } as const) : c,
  );
  return { ...state, admittedAt: at, containers };
}

/** What had not been created yet goes on; for it the task's cgroup is made again. */
function hostRestarted(before: TaskState, at: number): TaskState {
  let state = before;
  for (const { name } of before.containers) state = update(state, name, (c) => lostWithHost(c, at));
  return state.resources === 'ready' && state.known !== 'STOPPED' ? { ...state, resources: 'absent' } : state;
}

function update(
  state: TaskState,
  name: string,
  change: (container: ContainerState) => ContainerState,
): TaskState {
  const before = state.containers.find((c) => c.name === name);
  if (before === undefined) return state;
  const after = change(before);
  if (after === before) return state;
  const collected = collectContainerChange(state, before, after);
  return {
    ...state,
    containers: state.containers.map((c) => (c === before ? after : c)),
    collected,
  };
}

/** A failed step ends its container; without one, the task (ENG-15, ENG-43, ENG-155). */
function failed(state: TaskState, name: string | undefined, reason: Reason, rules: TaskRules): TaskState {
  if (name === undefined) {
    // One that was to stop already does not stop for this.
    if (state.desired === 'STOPPED') return state;
    return { ...state, desired: 'STOPPED', stoppedReason: normaliseReason(renderReason(reason)) };
  }
  const next = update(state, name, (c) =>
    c.known === 'STOPPED' ? c : { ...withReason(c, reason), desired: 'STOPPED' },
  );
  const container = next.containers.find((c) => c.name === name);
  const pulling = container !== undefined && compareContainerStatus(container.known, 'PULLED') < 0;
  return pulling && rules.pullFailureStops ? { ...next, desired: 'STOPPED' } : next;
}

function essentialEnds(state: TaskState): boolean {
  return state.spec.containers.some((spec) => {
    const container = state.containers.find((c) => c.name === spec.name);
    return spec.essential && (container?.desired === 'STOPPED' || container?.known === 'STOPPED');
  });
}

function firstEssentialStop(state: TaskState, at: number): number | undefined {
  for (const spec of state.spec.containers) {
    const container = state.containers.find((c) => c.name === spec.name);
    if (spec.essential && container?.known === 'STOPPED') return container.finishedAt ?? at;
  }
  return undefined;
}
