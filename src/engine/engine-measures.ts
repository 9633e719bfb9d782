import type { Laziness } from '../task/laziness.ts';
import type { StepKind } from '../task/step.ts';
import type { TaskState } from '../task/task-state.ts';
import type { Transition } from '../task/timeline.ts';

/** `done`: it returned its fact; `failed`: for good; `retried`: it is tried again; `abandoned`: not wanted any more. */
export type StepOutcome = 'done' | 'failed' | 'retried' | 'abandoned';

/** Told how long things take while they happen; must not throw and must not wait. */
export interface EngineMeasures {
  /** What moved, and the task as it is after that. */
  moved(transitions: readonly Transition[], task: TaskState): void;
  /** A pull by a snapshotter that can pull lazily has ended well. */
  pulledLazily(laziness: Laziness): void;
  stepEnded(kind: StepKind, ms: number, outcome: StepOutcome): void;
}
