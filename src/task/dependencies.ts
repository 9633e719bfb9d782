import type { Reason } from './errors.ts';
import { sayHealth } from './health.ts';
import { compareContainerStatus } from './statuses.ts';
import type { ContainerSpec, TaskSpec } from './task-spec.ts';
import type { ContainerState, TaskState } from './task-state.ts';

/** What a dependency must have reached (task-engine.md §6.1). */
export const DEPENDENCY_CONDITIONS = ['CREATE', 'START', 'COMPLETE', 'SUCCESS', 'HEALTHY'] as const;
export type DependencyCondition = (typeof DEPENDENCY_CONDITIONS)[number];

export interface Dependency {
  readonly containerName: string;
  readonly condition: DependencyCondition;
}

/** Exit code of a container that a failed dependency kept from starting (OBS-20). */
export const DEPENDENCY_FAILED_EXIT_CODE = 143;

/** Whether the dependencies of a container let it go on. */
export type DependencyVerdict =
  | { readonly kind: 'met' }
  | {
      readonly kind: 'waiting';
      readonly on: Dependency;
      /** Epoch ms at which the wait becomes a failure; Infinity: never by time alone. */
      readonly until: number;
    }
  /** It can never be met any more (§6.4). */
  | { readonly kind: 'failed'; readonly on: Dependency; readonly reason: Reason };

/**
 * Looks at the dependencies of a container that has not been created yet. Digests are resolved regardless
 * (ENG-62); what is asked here holds back the pull and everything after it.
 */
export function judgeDependencies(state: TaskState, name: string, at: number): DependencyVerdict {
  const target = find(state, name);
  let waiting: DependencyVerdict | undefined;
  for (const on of target.spec.dependsOn) {
    const dependency = findIfAny(state, on.containerName);
    const failure = failureOf(on, dependency, at);
    if (failure !== undefined)
      return { kind: 'failed', on, reason: failureReason(target, on, dependency, failure) };
    if (dependency !== undefined && isMet(on, dependency)) continue;
    const until = dependency === undefined ? Number.POSITIVE_INFINITY : timeoutAt(on, dependency);
    if (waiting?.kind !== 'waiting' || until < waiting.until) waiting = { kind: 'waiting', on, until };
  }
  return waiting ?? { kind: 'met' };
}

/** A container may stop only when all that depend on it have stopped (ENG-78). */
export function mayStop(state: TaskState, name: string): boolean {
  return dependantsOf(state, name).length === 0;
}

/** Containers that depend on this one and have not stopped. */
export function dependantsOf(state: TaskState, name: string): readonly string[] {
  return state.spec.containers
    .filter(({ dependsOn }) => dependsOn.some((on) => on.containerName === name))
    .map((spec) => spec.name)
    .filter((dependant) => findIfAny(state, dependant)?.state.known !== 'STOPPED');
}

/**
 * Whether some order of starts satisfies every dependency: no cycles, no names that are not there (ENG-34).
 */
export function isResolvable(spec: TaskSpec): boolean {
  const placed = new Set<string>();
  let left = spec.containers;
  while (left.length > 0) {
    const next = left.filter((c) => !c.dependsOn.every((on) => placed.has(on.containerName)));
    if (next.length === left.length) return false;
    for (const container of left) if (!next.includes(container)) placed.add(container.name);
    left = next;
  }
  return true;
}

interface Pair {
  readonly spec: ContainerSpec;
  readonly state: ContainerState;
}

type Failure = 'absent' | 'timed out' | 'unsuccessful' | 'not healthy' | 'not starting';

function isMet({ condition }: Dependency, { state }: Pair): boolean {
  const stopped = state.known === 'STOPPED';
  switch (condition) {
    // One that has stopped counts if it ever came so far.
    case 'CREATE':
      return stopped
        ? state.createdAt !== undefined || state.startedAt !== undefined
        : compareContainerStatus(state.known, 'CREATED') >= 0;
    case 'START':
      return stopped
        ? state.startedAt !== undefined
        : state.known === 'RUNNING' || state.known === 'RESOURCES_PROVISIONED';
    case 'COMPLETE':
      return stopped && state.exitCode !== undefined;
    case 'SUCCESS':
      return stopped && state.exitCode === 0;
    case 'HEALTHY':
      return !stopped && state.health?.status === 'HEALTHY';
  }
}

function failureOf(on: Dependency, dependency: Pair | undefined, at: number): Failure | undefined {
  if (dependency === undefined) return 'absent';
  const { state } = dependency;
  if (isMet(on, dependency)) return undefined;
  if (on.condition === 'SUCCESS' && state.known === 'STOPPED') return 'unsuccessful';
  if (on.condition === 'HEALTHY' && state.known === 'STOPPED') return 'not healthy';
  if (compareContainerStatus(state.known, 'RUNNING') < 0 && state.desired === 'STOPPED')
    return 'not starting';
  if (state.known === 'STOPPED' && (on.condition !== 'COMPLETE' || state.exitCode === undefined))
    return 'not starting';
  return at > timeoutAt(on, dependency) ? 'timed out' : undefined;
}

/** The dependency's startTimeout, from its start; for conditions that need more than a start (ENG-73). */
function timeoutAt({ condition }: Dependency, { spec, state }: Pair): number {
  const applies = condition === 'COMPLETE' || condition === 'SUCCESS' || condition === 'HEALTHY';
  const limitSec = spec.startTimeoutSec ?? 0;
  if (!applies || limitSec <= 0 || state.startedAt === undefined || state.known === 'STOPPED')
    return Number.POSITIVE_INFINITY;
  return state.startedAt + limitSec * 1000;
}

const FAILURE_TEXTS: Readonly<Record<Failure, string>> = {
  absent: 'the task has no container of that name',
  'timed out': 'the dependency has timed out',
  unsuccessful: 'the dependency did not exit successfully',
  'not healthy': 'the dependency has ended and will not become healthy',
  'not starting': 'the dependency will never start',
};

function failureReason(target: Pair, on: Dependency, dependency: Pair | undefined, failure: Failure): Reason {
  const shown = dependency === undefined ? on.containerName : render(dependency);
  const health = on.condition === 'HEALTHY' ? sayHealth(dependency?.state) : '';
  return {
    code: 'CannotStartContainerError',
    message: `dependency graph: [${shown}] for target [${render(target)}]: ${FAILURE_TEXTS[failure]}${health === '' ? '' : `; it is ${dependency?.state.known}${health}`}`,
  };
}

/** `name(image) (KNOWN->DESIRED)` and the exit code where it is known (task-engine.md §6.4). */
function render({ spec, state }: Pair): string {
  const exit = state.exitCode === undefined ? '' : ` - Exit: ${state.exitCode}`;
  return `${spec.name}(${spec.image}) (${state.known}->${state.desired})${exit}`;
}

function findIfAny(state: TaskState, name: string): Pair | undefined {
  const spec = state.spec.containers.find((c) => c.name === name);
  const container = state.containers.find((c) => c.name === name);
  return spec === undefined || container === undefined ? undefined : { spec, state: container };
}

function find(state: TaskState, name: string): Pair {
  const found = findIfAny(state, name);
  if (found === undefined) throw new Error(`task ${state.spec.arn} has no container "${name}"`);
  return found;
}
