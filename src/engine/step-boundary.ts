import type { Step } from '../task/step.ts';
import type { TaskSpec } from '../task/task-spec.ts';

/**
 * The places in the life of a step between which a crash may fall: nothing has been done, the world has been
 * changed and the store does not know, the store knows and nobody has been told. A try that comes to nothing and
 * is made again later has only the first.
 */
export const STEP_BOUNDARIES = ['before', 'acted', 'recorded'] as const;
export type StepBoundary = (typeof STEP_BOUNDARIES)[number];

/** One run of a step at one of its boundaries. */
export interface StepPoint {
  readonly task: TaskSpec;
  readonly step: Step;
  readonly boundary: StepBoundary;
}

/** Is told of each boundary at the moment when it is reached; the worker goes on when it returns. */
export type StepObserver = (point: StepPoint) => void;
