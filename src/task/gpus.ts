import type { ContainerSpec, TaskSpec } from './task-spec.ts';

/** A GPU of the host that ECS has chosen for a container of the task (resources.md §11.1). */
export interface GpuAssociation {
  /** As the instance registered it, `GPU-…`. */
  readonly id: string;
  /** Names of the containers that are to have it, as given; exactly one in a task that runs. */
  readonly containers: readonly string[];
  /** What the metadata endpoint answers of it, as it came. */
  readonly content: string;
}

/** Names the GPUs that NVIDIA's OCI runtime puts into a container; without it there are none. */
const VISIBLE_DEVICES = 'NVIDIA_VISIBLE_DEVICES';

/** Why a GPU of the task cannot be given to whom it is meant for, or undefined (RES-77). */
export function gpuProblem({ gpus = [], containers }: TaskSpec): string | undefined {
  const names = new Set(containers.map(({ name }) => name));
  for (const { id } of gpus) {
    const takers = gpus.filter((other) => other.id === id).flatMap((other) => other.containers);
    const [taker, ...others] = takers;
    if (taker === undefined || others.length > 0)
      return `GPU ${id} is associated with ${takers.length === 0 ? 'no container' : `the containers ${takers.join(', ')}`}; a GPU belongs to exactly one`;
    if (!names.has(taker))
      return `GPU ${id} is associated with container "${taker}", which is not in the task`;
  }
  return undefined;
}

/** The GPUs of one container, in the order given. */
export function gpusOf({ gpus = [] }: TaskSpec, container: string): readonly GpuAssociation[] {
  return gpus.filter(({ containers }) => containers.includes(container));
}

/** What a container with GPUs is told of them; laid over its own environment (RES-76). */
export function gpuEnvironment(task: TaskSpec, { name }: ContainerSpec): Readonly<Record<string, string>> {
  const ids = gpusOf(task, name).map(({ id }) => id);
  return ids.length === 0 ? {} : { [VISIBLE_DEVICES]: ids.join(',') };
}

/** Whether NVIDIA's OCI runtime has to run the container: its task has GPUs, and its environment names some. */
export function needsGpuRuntime(
  { gpus = [] }: TaskSpec,
  environment: Readonly<Record<string, string>>,
): boolean {
  return gpus.length > 0 && VISIBLE_DEVICES in environment;
}
