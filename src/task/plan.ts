import { type DependencyVerdict, dependantsOf, judgeDependencies } from './dependencies.ts';
import type { TaskRules } from './event.ts';
import { probeDueAt } from './health.ts';
import { hasSharedNamespaces } from './internal-containers.ts';
import { collectionDueAt } from './reports.ts';
import { isFetchDue, needsFetching } from './secrets.ts';
import { compareContainerStatus } from './statuses.ts';
import type { Step } from './step.ts';
import { taskFraction } from './task-fraction.ts';
import type { ContainerSpec } from './task-spec.ts';
import type { ContainerState, TaskState } from './task-state.ts';
import { standsSince, stoppingSince, type Wait } from './wait.ts';

/** What to do for a task now, and when to ask again though nothing happened. */
export interface Plan {
  readonly steps: readonly Step[];
  /** What keeps the rest from moving: whatever is neither as wanted nor has a step is here. */
  readonly waits: readonly Wait[];
  /** Epoch ms; Infinity when only an event can move the task. */
  readonly wakeAt: number;
}

/**
 * Decides what a task needs, from its state alone. Pure. Naming a step that runs already is how the caller
 * learns that it is still wanted.
 */
export function plan(state: TaskState, at: number, rules: TaskRules): Plan {
  if (waitsForHost(state))
    return { steps: [{ kind: 'takeHostResources' }], waits: [], wakeAt: Number.POSITIVE_INFINITY };
  const steps: Step[] = [];
  const waits: Wait[] = [];
  let wakeAt = collectionDueAt(state);
  if (state.known === 'STOPPED') {
    if (holdsNetwork(state)) steps.push({ kind: 'releaseTaskNetwork' });
    const due = cleanUp(state, at, rules);
    steps.push(...due.steps);
    waits.push(...due.waits);
    wakeAt = Math.min(wakeAt, due.wakeAt);
  } else if (state.desired === 'RUNNING' && state.resources === 'absent') {
    steps.push({ kind: 'ensureResources' });
  }
  if (isFetchDue(state)) steps.push({ kind: 'fetchSecrets' });
  for (const spec of state.spec.containers) {
    const container = state.containers.find((c) => c.name === spec.name);
    if (container === undefined) continue;
    const dependencies = judgeDependencies(state, spec.name, at);
    if (dependencies.kind === 'waiting') wakeAt = Math.min(wakeAt, dependencies.until + 1);
    // It has become hopeless since the last event, by time alone: the next one ends the container.
    if (dependencies.kind === 'failed' && isHeldBack(container)) wakeAt = at;
    const next = nextOf(state, { spec, container, dependencies, at }, rules);
    if (next !== undefined && 'since' in next) waits.push({ ...next, container: spec.name });
    else if (next !== undefined) steps.push(next);
    if (spec.healthCheck === undefined || !isProbed(container)) continue;
    const due = probeDueAt(spec.healthCheck, container, at);
    if (due <= at) steps.push({ kind: 'probeHealth', container: spec.name });
    else wakeAt = Math.min(wakeAt, due);
  }
  return { steps, waits, wakeAt };
}

/** Of a task that has no share of the host yet nothing is begun, and so nothing told (ECS-62). */
export function waitsForHost(state: TaskState): boolean {
  return (
    state.admittedAt === undefined &&
    state.desired === 'RUNNING' &&
    state.containers.every(({ known }) => known === 'NONE')
  );
}

/** An ENI is wanted elsewhere: it goes back when the task is over, not with its clean-up (NET-50). */
function holdsNetwork(state: TaskState): boolean {
  return state.spec.networkMode === 'awsvpc' && state.networkReleased !== true;
}

interface Subject {
  readonly spec: ContainerSpec;
  readonly container: ContainerState;
  readonly dependencies: DependencyVerdict;
  /** Epoch ms. */
  readonly at: number;
}

/** What is done for a container, or what it waits for; undefined when it is where it is wanted. */
function nextOf(state: TaskState, subject: Subject, rules: TaskRules): Step | Wait | undefined {
  const { spec, container, dependencies, at } = subject;
  const { name } = container;
  if (container.known === 'STOPPED')
    return container.remains === 'exited' ? { kind: 'releaseContainer', container: name } : undefined;
  if (container.desired === 'STOPPED') {
    if (container.stopRequestedAt === undefined) {
      const names = dependantsOf(state, name);
      return { kind: 'dependants', names, since: stoppingSince(state) };
    }
    return {
      kind: 'stopContainer',
      container: name,
      // A stop does not begin in the future, even if the clock was set back while the agent was away.
      killAtMs: Math.min(container.stopRequestedAt, at) + stopGraceMs(spec, rules),
    };
  }
  switch (container.known) {
    case 'NONE':
      return { kind: 'resolveImage', container: name };
    case 'MANIFEST_PULLED':
      return dependencies.kind === 'met' || (rules.pullUpfront && hasSharedNamespaces(state))
        ? { kind: 'pullImage', container: name }
        : heldBack(state, subject);
    case 'PULLED':
      return dependencies.kind === 'met' && state.resources === 'ready' && hasFetched(state, spec)
        ? { kind: 'createContainer', container: name }
        : heldBack(state, subject);
    case 'CREATED':
      return { kind: 'startContainer', container: name };
    case 'RUNNING':
      return container.restarts?.exit === undefined
        ? undefined
        : { kind: 'restartContainer', container: name, afterRun: container.restarts.endedRun };
    case 'RESOURCES_PROVISIONED':
      return undefined;
  }
}

function hasFetched({ fetched }: TaskState, spec: ContainerSpec): boolean {
  return fetched === true || !needsFetching(spec);
}

function heldBack(state: TaskState, { spec, container, dependencies, at }: Subject): Wait {
  const since = standsSince(state, container);
  if (dependencies.kind === 'met')
    return { kind: hasFetched(state, spec) ? 'taskResources' : 'secrets', since };
  const until = dependencies.kind === 'waiting' ? dependencies.until : at;
  return { kind: 'dependency', on: dependencies.on, until, since };
}

/** Whether its dependencies are what it waits for, if they are not met. */
function isHeldBack({ known, desired }: ContainerState): boolean {
  return desired === 'RUNNING' && compareContainerStatus(known, 'CREATED') < 0;
}

function isProbed({ known, desired, restarts }: ContainerState): boolean {
  return known === 'RUNNING' && desired === 'RUNNING' && restarts?.exit === undefined;
}

/** The container's own stopTimeout when above zero, else the instance's (ENG-45). */
function stopGraceMs(spec: ContainerSpec, rules: TaskRules): number {
  return spec.stopTimeoutSec !== undefined && spec.stopTimeoutSec > 0
    ? spec.stopTimeoutSec * 1000
    : rules.stopTimeoutMs;
}

/** After the wait, counted from the task's end, and only once ECS knows everything about the task (ENG-117, ENG-118). */
function cleanUp(state: TaskState, at: number, rules: TaskRules): Plan {
  const nothing = { steps: [], waits: [], wakeAt: Number.POSITIVE_INFINITY };
  const since = state.knownAt;
  const released = state.containers.every((c) => c.remains === 'released' || c.remains === 'removed');
  if (!released || holdsNetwork(state)) return nothing;
  if (state.unsettledReports > 0)
    return { ...nothing, waits: [{ kind: 'reports', count: state.unsettledReports, since }] };
  const cleanupAt = state.knownAt + rules.cleanupWaitMs + taskFraction(state) * rules.cleanupJitterMs;
  if (at < cleanupAt)
    return { steps: [], waits: [{ kind: 'cleanup', until: cleanupAt, since }], wakeAt: cleanupAt };
  const left = state.containers.filter((c) => c.remains === 'released');
  if (left.length > 0)
    return { ...nothing, steps: left.map((c) => ({ kind: 'removeContainer', container: c.name }) as const) };
  return {
    ...nothing,
    steps: [state.resources === 'removed' ? { kind: 'forgetTask' } : { kind: 'removeResources' }],
  };
}
