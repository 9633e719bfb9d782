import { type DependencyVerdict, judgeDependencies } from './dependencies.ts';
import type { TaskRules } from './event.ts';
import { probeDueAt } from './health.ts';
import { collectionDueAt } from './reports.ts';
import type { Step } from './step.ts';
import { taskFraction } from './task-fraction.ts';
import type { ContainerSpec } from './task-spec.ts';
import type { ContainerState, TaskState } from './task-state.ts';

/** What to do for a task now, and when to ask again though nothing happened. */
export interface Plan {
  readonly steps: readonly Step[];
  /** Epoch ms; Infinity when only an event can move the task. */
  readonly wakeAt: number;
}

/**
 * Decides what a task needs, from its state alone. Pure. Naming a step that runs already is how the caller
 * learns that it is still wanted.
 */
export function plan(state: TaskState, at: number, rules: TaskRules): Plan {
  if (waitsForHost(state))
    return { steps: [{ kind: 'takeHostResources' }], wakeAt: Number.POSITIVE_INFINITY };
  const steps: Step[] = [];
  let wakeAt = collectionDueAt(state);
  if (state.known === 'STOPPED') {
    const due = cleanUp(state, at, rules);
    steps.push(...due.steps);
    wakeAt = Math.min(wakeAt, due.wakeAt);
  } else if (state.desired === 'RUNNING' && state.resources === 'absent') {
    steps.push({ kind: 'ensureResources' });
  }
  for (const spec of state.spec.containers) {
    const container = state.containers.find((c) => c.name === spec.name);
    if (container === undefined) continue;
    const dependencies = judgeDependencies(state, spec.name, at);
    if (dependencies.kind === 'waiting') wakeAt = Math.min(wakeAt, dependencies.until + 1);
    const step = containerStep(state, { spec, container, dependencies }, rules);
    if (step !== undefined) steps.push(step);
    if (spec.healthCheck === undefined || !isProbed(container)) continue;
    const due = probeDueAt(spec.healthCheck, container);
    if (due <= at) steps.push({ kind: 'probeHealth', container: spec.name });
    else wakeAt = Math.min(wakeAt, due);
  }
  return { steps, wakeAt };
}

/** Of a task that has no share of the host yet nothing is begun, and so nothing told (ECS-62). */
export function waitsForHost(state: TaskState): boolean {
  return (
    state.admittedAt === undefined &&
    state.desired === 'RUNNING' &&
    state.containers.every(({ known }) => known === 'NONE')
  );
}

interface Subject {
  readonly spec: ContainerSpec;
  readonly container: ContainerState;
  readonly dependencies: DependencyVerdict;
}

function containerStep(state: TaskState, subject: Subject, rules: TaskRules): Step | undefined {
  const { spec, container, dependencies } = subject;
  const { name } = container;
  if (container.known === 'STOPPED')
    return container.remains === 'exited' ? { kind: 'releaseContainer', container: name } : undefined;
  if (container.desired === 'STOPPED') {
    if (container.stopRequestedAt === undefined) return undefined;
    return {
      kind: 'stopContainer',
      container: name,
      killAtMs: container.stopRequestedAt + stopGraceMs(spec, rules),
    };
  }
  switch (container.known) {
    case 'NONE':
      return { kind: 'resolveImage', container: name };
    case 'MANIFEST_PULLED':
      return rules.pullUpfront || dependencies.kind === 'met'
        ? { kind: 'pullImage', container: name }
        : undefined;
    case 'PULLED':
      return dependencies.kind === 'met' && state.resources === 'ready'
        ? { kind: 'createContainer', container: name }
        : undefined;
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
  const nothing = { steps: [], wakeAt: Number.POSITIVE_INFINITY };
  const released = state.containers.every((c) => c.remains === 'released' || c.remains === 'removed');
  if (!released || state.unsettledReports > 0) return nothing;
  const cleanupAt = state.knownAt + rules.cleanupWaitMs + taskFraction(state) * rules.cleanupJitterMs;
  if (at < cleanupAt) return { steps: [], wakeAt: cleanupAt };
  const left = state.containers.filter((c) => c.remains === 'released');
  if (left.length > 0)
    return { ...nothing, steps: left.map((c) => ({ kind: 'removeContainer', container: c.name }) as const) };
  return {
    ...nothing,
    steps: [state.resources === 'removed' ? { kind: 'forgetTask' } : { kind: 'removeResources' }],
  };
}
