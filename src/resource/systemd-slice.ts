import type { TaskId } from '../task/ids.ts';
import { type CgroupValues, cpuWeight } from './cgroup-values.ts';
import type { UnitProperty } from './systemd-bus.ts';

const MICROSECONDS = 1_000_000;

/** Names of a task's slice; `ecs` gives `ecstasks.slice/ecstasks-<task id>.slice` (RES-04). */
export class SliceNames {
  /** The slice above all task slices. */
  readonly parent: string;
  readonly #prefix: string;

  /** A `-` in a slice's name would mean one more level, so that of ours has none. */
  constructor(name: string) {
    this.#prefix = `${name.replace(/[^A-Za-z0-9]/g, '_')}tasks`;
    this.parent = `${this.#prefix}.slice`;
  }

  slice(taskId: TaskId): string {
    return `${this.#prefix}-${taskId}.slice`;
  }

  /** What stands for the task id in the name of a slice; undefined when it is not one of ours. */
  idIn(slice: string): string | undefined {
    const start = `${this.#prefix}-`;
    return slice.startsWith(start) && slice.endsWith('.slice')
      ? slice.slice(start.length, -'.slice'.length)
      : undefined;
  }
}

/** Properties that make the slice what it is; only at its start. */
export function sliceIdentity(taskId: TaskId, parent: string): readonly UnitProperty[] {
  return [
    { name: 'Description', signature: 's', value: [`ECS task ${taskId}`] },
    { name: 'Wants', signature: 'as', value: ['1', parent] },
    { name: 'DefaultDependencies', signature: 'b', value: ['false'] },
  ];
}

/** Limits of the slice; accounting hands the controllers down even where a limit is not set. */
export function sliceLimits(values: CgroupValues): readonly UnitProperty[] {
  const { cpu, memoryBytes, pids } = values;
  const count = (name: string, value: number): UnitProperty => ({
    name,
    signature: 't',
    value: [String(value)],
  });
  return [
    ...['CPUAccounting', 'MemoryAccounting', 'TasksAccounting'].map(
      (name): UnitProperty => ({ name, signature: 'b', value: ['true'] }),
    ),
    ...(cpu.kind === 'quota'
      ? [
          count('CPUQuotaPeriodUSec', cpu.periodUs),
          count('CPUQuotaPerSecUSec', Math.round((cpu.quotaUs / cpu.periodUs) * MICROSECONDS)),
        ]
      : [count('CPUWeight', cpuWeight(cpu.shares))]),
    ...(memoryBytes === undefined ? [] : [count('MemoryMax', memoryBytes)]),
    ...(pids === undefined ? [] : [count('TasksMax', pids)]),
  ];
}
