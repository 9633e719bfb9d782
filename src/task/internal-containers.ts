import { renderReason } from './errors.ts';
import type { ContainerSpec, TaskSpec } from './task-spec.ts';
import type { ContainerState, TaskState } from './task-state.ts';

/** Name of the container that holds the namespaces which the containers of a task share (task-engine.md §5.6). */
export const NAMESPACE_PAUSE = '~internal~ecs~pause~namespace';
/** What documents say that it is made from, as the Amazon ECS agent's do; the runtime makes it itself. */
const PAUSE_IMAGE = 'amazon/amazon-ecs-pause:0.1.0';
/** What is in a PID namespace dies before its first process does, so its end is told the later of the two. */
const TOLD_LATER_MS = 1_000;

/**
 * The task with the containers that the agent adds to it: where PID or IPC namespaces are shared, one that holds
 * them, which runs before any other is made and stops after them all (ENG-59).
 */
export function withInternalContainers(spec: TaskSpec): TaskSpec {
  if (spec.pidMode !== 'task' && spec.ipcMode !== 'task') return spec;
  const on = { containerName: NAMESPACE_PAUSE, condition: 'START' } as const;
  const containers = spec.containers.map((c) => ({ ...c, dependsOn: [on, ...c.dependsOn] }));
  return { ...spec, containers: [...containers, namespacePause()] };
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
export function hasSharedNamespaces({ containers }: TaskState): boolean {
  const pause = containers.find(({ name }) => name === NAMESPACE_PAUSE);
  return pause === undefined || pause.known === 'RUNNING';
}

/** Ends a task whose shared namespaces could not be made, or are gone, and says so (ENG-61). */
export function endWithNamespaces(state: TaskState): TaskState {
  const pause = state.containers.find(({ name }) => name === NAMESPACE_PAUSE);
  if (pause === undefined || state.known === 'STOPPED' || state.stoppedReason !== '') return state;
  const isOut = pause.known === 'STOPPED' || pause.desired === 'STOPPED';
  if (!(state.desired === 'RUNNING' ? isOut : diedUnasked(state, pause))) return state;
  const cause = pause.reason === undefined ? '' : `: ${renderReason(pause.reason)}`;
  const code = pause.exitCode === undefined ? '' : ` (exit code ${pause.exitCode})`;
  const stoppedReason =
    pause.startedAt === undefined
      ? `ResourceInitializationError: the namespaces that the containers of the task share could not be made${cause}`
      : `TaskStateError: the namespaces that the containers of the task share are gone: ${NAMESPACE_PAUSE} has ended${code}${cause}`;
  return { ...state, desired: 'STOPPED', stoppedReason };
}

/** It ended by itself, and that was what stopped the task; asked to, it ends with code 0. */
function diedUnasked({ containers }: TaskState, pause: ContainerState): boolean {
  const { known, startedAt, exitCode, finishedAt = 0, stopRequestedAt = Number.POSITIVE_INFINITY } = pause;
  if (known !== 'STOPPED' || startedAt === undefined) return false;
  if (exitCode === 0 && finishedAt >= stopRequestedAt) return false;
  return containers.every(({ stopRequestedAt: at = finishedAt }) => finishedAt <= at + TOLD_LATER_MS);
}

function namespacePause(): ContainerSpec {
  return {
    name: NAMESPACE_PAUSE,
    internal: 'namespacePause',
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
