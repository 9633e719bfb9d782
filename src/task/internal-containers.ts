import { renderReason } from './errors.ts';
import { containerIdOf } from './ids.ts';
import type { ContainerSpec, InternalKind, TaskSpec } from './task-spec.ts';
import type { ContainerState, TaskState } from './task-state.ts';

/** Name of the container that holds the namespaces which the containers of a task share (task-engine.md §5.6). */
export const NAMESPACE_PAUSE = '~internal~ecs~pause~namespace';
/** Name of the one that holds the network namespace of an awsvpc task. */
export const NETWORK_PAUSE = '~internal~ecs~pause';
const NAMES: Readonly<Record<InternalKind, string>> = {
  namespacePause: NAMESPACE_PAUSE,
  networkPause: NETWORK_PAUSE,
};
/** What documents say that it is made from, as the Amazon ECS agent's do; the runtime makes it itself. */
const PAUSE_IMAGE = 'amazon/amazon-ecs-pause:0.1.0';
/** What is in a PID namespace dies before its first process does, so its end is told the later of the two. */
const TOLD_LATER_MS = 1_000;
/** Characters of its id that a container without a name of its own is called by (NET-21). */
const DEFAULT_NAME_LENGTH = 12;

/**
 * The task with the containers that the agent adds to it: where PID or IPC namespaces are shared, one that holds
 * them, which runs before any other is made and stops after them all (ENG-59).
 */
export function withInternalContainers(spec: TaskSpec): TaskSpec {
  return spec.pidMode === 'task' || spec.ipcMode === 'task' ? withPause(spec, 'namespacePause') : spec;
}

/** The same for the network namespace of an awsvpc task, where containers join one by a container that holds it. */
export function withNetworkPause(spec: TaskSpec): TaskSpec {
  return spec.networkMode === 'awsvpc' ? withPause(spec, 'networkPause') : spec;
}

function withPause(spec: TaskSpec, internal: InternalKind): TaskSpec {
  const on = { containerName: NAMES[internal], condition: 'START' } as const;
  const containers = spec.containers.map((c) =>
    c.internal === undefined ? { ...c, dependsOn: [on, ...c.dependsOn] } : c,
  );
  return { ...spec, containers: [...containers, pauseOf(internal)] };
}

/**
 * Host name of an awsvpc task: its ENI's private DNS name, else the default name of the container that holds its
 * network namespace, whether there is one or not (NET-91).
 */
export function hostnameOnEni({ arn, eni }: Pick<TaskSpec, 'arn' | 'eni'>): string {
  return eni?.privateDnsName ?? containerIdOf(arn, NETWORK_PAUSE, 0).slice(0, DEFAULT_NAME_LENGTH);
}

/** Whether a container is one that holds namespaces, by its name alone. */
export function isPauseName(name: string): boolean {
  return Object.values(NAMES).includes(name);
}

/** Whether the container of that name is none of the task definition. */
export function isInternal({ containers }: TaskSpec, name: string): boolean {
  return containers.some((spec) => spec.name === name && spec.internal !== undefined);
}

/** Containers of the task definition. */
export function ordinaryContainers({ containers }: TaskSpec): readonly ContainerSpec[] {
  return containers.filter(({ internal }) => internal === undefined);
}

/** Whether the namespaces that its containers are to share are there, if there are to be any. */
export function hasSharedNamespaces(state: TaskState): boolean {
  return pausesOf(state).every(({ pause }) => pause.known === 'RUNNING');
}

/** Ends a task whose shared namespaces could not be made, or are gone, and says so (ENG-61). */
export function endWithNamespaces(state: TaskState): TaskState {
  if (state.known === 'STOPPED' || state.stoppedReason !== '') return state;
  for (const { kind, pause } of pausesOf(state)) {
    const isOut = pause.known === 'STOPPED' || pause.desired === 'STOPPED';
    if (state.desired === 'RUNNING' ? isOut : diedUnasked(state, pause))
      return { ...state, desired: 'STOPPED', stoppedReason: endReason(kind, pause) };
  }
  return state;
}

/** What pause containers hold, as reasons say it, and what becomes of it with their end. */
const HELD: Readonly<Record<InternalKind, { readonly what: string; readonly lost: string }>> = {
  namespacePause: { what: 'the namespaces that the containers of the task share', lost: 'are gone' },
  networkPause: {
    what: 'the network namespace that the containers of the task share',
    lost: 'is held no longer',
  },
};

function endReason(kind: InternalKind, { name, reason, exitCode, startedAt }: ContainerState): string {
  const { what, lost } = HELD[kind];
  const cause = reason === undefined ? '' : `: ${renderReason(reason)}`;
  const code = exitCode === undefined ? '' : ` (exit code ${exitCode})`;
  return startedAt === undefined
    ? `ResourceInitializationError: ${what} could not be made${cause}`
    : `TaskStateError: ${what} ${lost}: ${name} has ended${code}${cause}`;
}

function pausesOf({ spec, containers }: TaskState) {
  return spec.containers.flatMap(({ name, internal: kind }) => {
    const pause = containers.find((container) => container.name === name);
    return kind === undefined || pause === undefined ? [] : [{ kind, pause }];
  });
}

/** It ended by itself, and that was what stopped the task; asked to, it ends with code 0. */
function diedUnasked({ containers }: TaskState, pause: ContainerState): boolean {
  const { known, startedAt, exitCode, finishedAt = 0, stopRequestedAt = Number.POSITIVE_INFINITY } = pause;
  if (known !== 'STOPPED' || startedAt === undefined) return false;
  if (exitCode === 0 && finishedAt >= stopRequestedAt) return false;
  return containers.every(({ stopRequestedAt: at = finishedAt }) => finishedAt <= at + TOLD_LATER_MS);
}

function pauseOf(internal: InternalKind): ContainerSpec {
  return {
    name: NAMES[internal],
    internal,
    image: PAUSE_IMAGE,
    essential: true,
    environment: {},
    cpu: 0,
    memoryMiB: 0,
    dependsOn: [],
    log: { driver: 'none', byDefault: true, options: {} },
    options: {
      labels: {},
      terminal: false,
      openStdin: false,
      capabilitiesAdd: [],
      capabilitiesDrop: ['ALL'],
      readonlyRootfs: true,
      ulimits: [],
      sysctls: {},
      dns: [],
      dnsSearch: [],
      extraHosts: [],
      tmpfs: {},
    },
  };
}
