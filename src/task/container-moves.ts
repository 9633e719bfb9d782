import type { ContainerAddresses, ContainerExit, ContainerObservation } from './container-facts.ts';
import { type Reason, renderReason } from './errors.ts';
import { type ContainerHealth, judgeProbe, type ProbeResult } from './health.ts';
import type { PortBinding } from './port-mapping.ts';
import { isOldRun, isRestarted, restarted, restarting } from './restart.ts';
import { type ContainerStatus, compareContainerStatus } from './statuses.ts';
import type { ContainerSpec } from './task-spec.ts';
import type { ContainerState, TaskState } from './task-state.ts';

/** A look at a container after a gap. */
interface Observed {
  readonly observation: ContainerObservation;
  /** What was known of it before the look. */
  readonly knownBefore: ContainerStatus;
}

/** Probes of a container that has ended meanwhile say nothing. */
export function probed(
  state: TaskState,
  container: ContainerState,
  result: ProbeResult,
  at: number,
): ContainerState {
  const check = specOf(state, container)?.healthCheck;
  if (check === undefined || container.known !== 'RUNNING' || container.restarts?.exit !== undefined)
    return container;
  return { ...container, health: judgeProbe(check, container, result, at) };
}

export function connected(
  container: ContainerState,
  bindings: readonly PortBinding[],
  addresses: ContainerAddresses | undefined,
): ContainerState {
  const { ipv4, ipv6 } = container.addresses ?? {};
  const moved = addresses !== undefined && (addresses.ipv4 !== ipv4 || addresses.ipv6 !== ipv6);
  const bound = container.portBindings === undefined && bindings.length > 0;
  if (!moved && !bound) return container;
  return { ...container, ...(moved && { addresses }), ...(bound && { portBindings: bindings }) };
}

export function created(container: ContainerState, at: number): ContainerState {
  return { ...container, known: 'CREATED', createdAt: at };
}

export function started(container: ContainerState, pid: number, startedAt: number): ContainerState {
  return { ...container, known: 'RUNNING', pid, startedAt: container.startedAt ?? startedAt };
}

/**
 * A run has ended: the policy starts it again, or that was its end. Without an exit nothing of it runs and
 * nothing new is known of how that came.
 */
export function ended(
  state: TaskState,
  container: ContainerState,
  exit: ContainerExit | undefined,
  at: number,
): ContainerState {
  if (exit === undefined) return stopped(container, container.restarts?.exit, at);
  if (isOldRun(container, exit)) return container;
  const spec = specOf(state, container);
  const ran = hasRun(container, exit);
  return spec !== undefined && isRestarted(spec, ran, exit, at)
    ? restarting(ran, exit, at)
    : stopped(container, exit, at);
}

/** What has ended has run, also if the agent that started it died before it could note that. */
function hasRun(container: ContainerState, exit: ContainerExit): ContainerState {
  if (compareContainerStatus(container.known, 'RUNNING') >= 0) return container;
  return { ...container, known: 'RUNNING', startedAt: container.startedAt ?? exit.exitedAt };
}

export function stopped(before: ContainerState, exit: ContainerExit | undefined, at: number): ContainerState {
  if (before.known === 'STOPPED') return before;
  const container = restarted(before, before.pid);
  const ended: ContainerState = {
    ...container,
    known: 'STOPPED',
    remains: 'exited',
    finishedAt: exit?.exitedAt ?? at,
    ...(container.health !== undefined && { health: endedHealth(container.health, at) }),
    ...(exit !== undefined && { startedAt: container.startedAt ?? exit.exitedAt }),
    ...(exit?.exitCode !== undefined && { exitCode: exit.exitCode }),
  };
  if (exit?.oomKilled === true)
    return { ...ended, reason: { code: 'OutOfMemoryError', message: OUT_OF_MEMORY } };
  if (exit?.detail !== undefined)
    return withReason(ended, { code: 'DockerStateError', message: exit.detail });
  return ended;
}

/** A container that has ended counts as UNHEALTHY (OBS-105). */
function endedHealth(health: ContainerHealth, at: number): ContainerHealth {
  return health.status === 'UNHEALTHY' ? health : { ...health, status: 'UNHEALTHY', since: at };
}

/** Text of the `OutOfMemoryError` that ECS users match on (ecs-api.md §C8). */
export const OUT_OF_MEMORY = 'Container killed due to memory usage';

export function observed(
  state: TaskState,
  container: ContainerState,
  { observation, knownBefore }: Observed,
  at: number,
): ContainerState {
  if (container.known === 'STOPPED') return container;
  const was = (status: ContainerStatus) => compareContainerStatus(knownBefore, status) >= 0;
  switch (observation.state) {
    case 'absent':
      return was('CREATED') ? ended(state, withReason(container, VANISHED), undefined, at) : container;
    case 'created':
      if (was('RUNNING')) return stopped(withReason(container, LOST), undefined, at);
      return container.known === 'PULLED' ? created(container, at) : container;
    case 'running': {
      if (compareContainerStatus(container.known, 'RUNNING') >= 0) return container;
      const { pid, network } = observation;
      const placed = network && connected(container, network.bindings, network.addresses);
      return started(placed ?? container, pid, at);
    }
    case 'exited':
      return ended(state, container, observation.exit, at);
    case 'released':
      return was('RUNNING') ? stopped(withReason(container, LOST), undefined, at) : container;
  }
}

/** The host's restart ended it; a policy has no say, as nobody knows how. */
export function lostWithHost(container: ContainerState, at: number): ContainerState {
  if (compareContainerStatus(container.known, 'CREATED') < 0 || container.known === 'STOPPED')
    return container;
  const reason = container.known === 'CREATED' ? UNSTARTED_WITH_HOST : ENDED_WITH_HOST;
  return stopped(withReason(container, reason), undefined, at);
}

const ENDED_WITH_HOST: Reason = {
  code: 'ContainerVanishedError',
  message: 'The host has restarted: the container ended with it, and its exit code is not known',
};
const UNSTARTED_WITH_HOST: Reason = {
  code: 'ContainerVanishedError',
  message: 'The host has restarted before the container was started',
};
const VANISHED: Reason = {
  code: 'ContainerVanishedError',
  message: 'No container matching saved ID found',
};
const LOST: Reason = {
  code: 'ContainerVanishedError',
  message:
    'The container ended while neither the agent nor its runtime was running, and its exit code is not known',
};

/** The first reason is kept (ENG-17), except that a pull failure completes a failed digest look-up. */
export function withReason(container: ContainerState, reason: Reason): ContainerState {
  if (container.reason === undefined) return { ...container, reason };
  if (container.reason.code !== 'CannotPullImageManifestError' || reason.code === container.reason.code)
    return container;
  const message = `${container.reason.message}; ${renderReason(reason)}`;
  return { ...container, reason: { code: container.reason.code, message } };
}

function specOf(state: TaskState, { name }: ContainerState): ContainerSpec | undefined {
  return state.spec.containers.find((c) => c.name === name);
}
