import { isResolvable } from '../task/dependencies.ts';
import { gpuProblem } from '../task/gpus.ts';
import { demandOf, excessOf, type HostCapacity, isCounted } from '../task/host-resources.ts';
import { linkProblem } from '../task/links.ts';
import { portProblem } from '../task/port-mapping.ts';
import type { TaskSpec } from '../task/task-spec.ts';
import { volumeProblem } from '../task/volumes.ts';
import type { StepPorts } from './step-context.ts';

/** The ports that may have a reason of their own. */
export interface RefusingPorts {
  readonly network: Pick<StepPorts['network'], 'refusal'>;
  readonly volumes: Pick<StepPorts['volumes'], 'refusal'>;
}

/**
 * Why this task cannot be run on this instance whatever happens, or undefined. Each text names the field, its
 * value and what would do instead; it becomes the task's stopped reason (ENG-35, ENG-141).
 */
export function refusalOf(spec: TaskSpec, ports: RefusingPorts, capacity?: HostCapacity): string | undefined {
  const cause = causeOf(spec, ports) ?? (capacity && isCounted(spec) && excessOf(demandOf(spec), capacity));
  if (cause) return `resource cannot be initialized for task ${spec.arn}: ${cause}`;
  if (!isResolvable(spec)) return `Task dependencies cannot be resolved, taskArn: ${spec.arn}`;
  return undefined;
}

function causeOf(spec: TaskSpec, ports: RefusingPorts): string | undefined {
  if (spec.containers.length === 0) return 'the task has no containers; a task definition needs at least one';
  if (spec.unsupported.length > 0)
    return `this agent does not support ${spec.unsupported.join(', ')} yet; remove ${
      spec.unsupported.length === 1 ? 'it' : 'them'
    } from the task definition`;
  const names = spec.containers.map((c) => c.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `two containers have the name "${twice}"; names must differ`;
  const greedy = spec.containers.find((c) => spec.memoryMiB !== undefined && c.memoryMiB > spec.memoryMiB);
  if (greedy !== undefined)
    return (
      `container "${greedy.name}" has a memory limit of ${greedy.memoryMiB} MiB, ` +
      `more than the task's ${spec.memoryMiB} MiB`
    );
  return (
    portProblem(spec) ??
    gpuProblem(spec) ??
    linkProblem(spec) ??
    volumeProblem(spec) ??
    ports.volumes.refusal(spec) ??
    ports.network.refusal(spec)
  );
}
