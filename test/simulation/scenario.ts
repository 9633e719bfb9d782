import type { Dependency, DependencyCondition } from '../../src/task/dependencies.ts';
import type { TaskRules } from '../../src/task/event.ts';
import { NAMESPACE_PAUSE, withInternalContainers } from '../../src/task/internal-containers.ts';
import type { ContainerSpec, TaskSpec } from '../../src/task/task-spec.ts';
import { containerSpec, taskSpec } from '../unit/task/task-story.ts';
import type { Choices } from './choices.ts';

/** How one run of a container's process goes. */
export interface ProcessScript {
  /** Ends by itself so long after its start; absent: runs until it is stopped. */
  readonly endsAfterMs?: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Ms from the stop signal to its end; absent: only SIGKILL ends it. */
  readonly obeysAfterMs?: number;
  /** What it ends with then; absent: 143. */
  readonly stopCode?: number;
}

/** A task and how its world treats it. */
export interface Scenario {
  readonly spec: TaskSpec;
  readonly rules: TaskRules;
  /** Ms from the beginning after which nothing goes wrong any more. */
  readonly calmAfterMs: number;
  /** Ms from the beginning at which ECS wants the task stopped for sure. */
  readonly stopAfterMs: number;
}

const MINUTE = 60_000;
const CONDITIONS: readonly [DependencyCondition, ...DependencyCondition[]] = [
  'START',
  'CREATE',
  'COMPLETE',
  'SUCCESS',
  'HEALTHY',
];

export function chooseScenario(choices: Choices): Scenario {
  const count = choices.of([1, 2, 2, 3, 3, 4]);
  const containers: ContainerSpec[] = [];
  for (let i = 0; i < count; i += 1) containers.push(chooseContainer(choices, i, containers));
  const spec = taskSpec(shuffled(choices, containers));
  return {
    spec: choices.chance(20) ? withInternalContainers({ ...spec, pidMode: 'task' }) : spec,
    rules: {
      stopTimeoutMs: choices.of([30_000, 2000, 2 * MINUTE]),
      cleanupWaitMs: choices.of([MINUTE, 0, 180 * MINUTE]),
      cleanupJitterMs: choices.of([0, 5000]),
      pullFailureStops: choices.chance(40),
      pullUpfront: choices.chance(30),
    },
    calmAfterMs: choices.of([0, 1000, 30_000, 2 * MINUTE, 10 * MINUTE]),
    stopAfterMs: choices.of([2 * MINUTE, MINUTE, 5 * MINUTE, 5000, 2 * MINUTE, 10 * MINUTE, 300, 0]),
  };
}

function chooseContainer(choices: Choices, index: number, before: readonly ContainerSpec[]): ContainerSpec {
  const healthCheck = choices.chance(35) && {
    command: ['check'],
    intervalMs: choices.of([30_000, 10_000]),
    timeoutMs: 2000,
    retries: choices.of([1, 3]),
    startPeriodMs: choices.of([0, 20_000]),
  };
  const restartPolicy = choices.chance(30) && {
    ignoredExitCodes: choices.of([[], [0], [1, 2]]),
    attemptPeriodMs: choices.of([0, 5000, MINUTE]),
  };
  return containerSpec(String.fromCharCode(97 + index), {
    essential: index === 0 ? !choices.chance(25) : choices.chance(50),
    dependsOn: chooseDependencies(choices, before),
    ...(healthCheck && { healthCheck }),
    ...(restartPolicy && { restartPolicy }),
    ...(choices.chance(30) && { startTimeoutSec: choices.of([60, 5, 1]) }),
    ...(choices.chance(30) && { stopTimeoutSec: choices.of([10, 1, 120]) }),
  });
}

function chooseDependencies(choices: Choices, before: readonly ContainerSpec[]): readonly Dependency[] {
  return before
    .filter(() => choices.chance(45))
    .map(({ name, healthCheck }) => {
      const condition = choices.of(CONDITIONS);
      const never = condition === 'HEALTHY' && healthCheck === undefined;
      return { containerName: name, condition: never ? 'START' : condition };
    });
}

/** A task definition may name its containers in any order. */
function shuffled<T>(choices: Choices, items: readonly T[]): readonly T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(choices.below(left.length), 1));
}

const PAUSE: ProcessScript = { exitCode: 137, oomKilled: false, obeysAfterMs: 10, stopCode: 0 };

export function chooseScript(choices: Choices, name: string): ProcessScript {
  // It dies only now and then, and ends at once when it is told to.
  if (name === NAMESPACE_PAUSE)
    return choices.chance(15) ? { ...PAUSE, endsAfterMs: choices.of([0, 2000, MINUTE]) } : PAUSE;
  const endsAfterMs = choices.of([undefined, undefined, 2000, 50, 0, 20_000, 3 * MINUTE]);
  const obeysAfterMs = choices.of([10, 500, undefined, 20_000]);
  return {
    ...(endsAfterMs !== undefined && { endsAfterMs }),
    exitCode: choices.of([0, 0, 1, 2, 255]),
    oomKilled: choices.chance(5),
    ...(obeysAfterMs !== undefined && { obeysAfterMs }),
  };
}
