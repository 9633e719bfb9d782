import type { CreateContainer, SharedNamespace } from '../../runtime/runtime.ts';
import { containerIdOf, taskIdOf } from '../../task/ids.ts';
import { hostnameOnEni, NAMESPACE_PAUSE } from '../../task/internal-containers.ts';
import type { TaskState } from '../../task/task-state.ts';
import { containerLimits, taskLimits } from '../container-limits.ts';
import { type ContainerPair, type ContainerStepContext, containerOf } from '../step-context.ts';
import { identityOf } from './container-identity.ts';

/** The PID and IPC namespaces of a container of the task definition (resources.md §12.1, RES-84). */
export function sharedNamespaces(task: TaskState): Pick<CreateContainer, 'pid' | 'ipc'> {
  const { pidMode, ipcMode } = task.spec;
  return {
    ...(pidMode !== undefined && { pid: pidMode === 'host' ? { kind: 'host' } : ofTask(task) }),
    ...(ipcMode === 'task' && { ipc: ofTask(task) }),
    ...((ipcMode === 'host' || ipcMode === 'none') && { ipc: { kind: ipcMode } }),
  };
}

/** A container that holds namespaces: its own, with no log, no rights and, of the agent, no network. */
export async function describePause(
  context: ContainerStepContext,
  pair: ContainerPair,
): Promise<CreateContainer> {
  const { task } = context;
  const { spec } = pair;
  const cgroup = await context.cgroups?.ensure(taskIdOf(task.spec.arn), taskLimits(task.spec));
  const keepsake = context.keepsake?.(task);
  return {
    ...identityOf(context, pair),
    image: spec.image,
    pause: true,
    environment: spec.environment,
    terminal: false,
    openStdin: false,
    readonlyRootfs: spec.options.readonlyRootfs,
    capabilitiesAdd: spec.options.capabilitiesAdd,
    capabilitiesDrop: spec.options.capabilitiesDrop,
    ulimits: [],
    sysctls: {},
    mounts: [],
    tmpfs: {},
    // Those that join its network have its host name.
    ...(spec.internal === 'networkPause' && { hostname: hostnameOnEni(task.spec) }),
    ...(spec.internal === 'namespacePause' && task.spec.ipcMode === 'task' && { ipc: { kind: 'shareable' } }),
    network: { kind: 'isolated' },
    limits: containerLimits(spec),
    ...(cgroup !== undefined && { cgroup }),
    stdio: { kind: 'null' },
    ...(keepsake !== undefined && { keepsake }),
  };
}

function ofTask(task: TaskState): SharedNamespace {
  const { state } = containerOf(task, NAMESPACE_PAUSE);
  return { kind: 'container', id: containerIdOf(task.spec.arn, NAMESPACE_PAUSE, state.generation) };
}
