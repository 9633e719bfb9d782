import { reasonOf, TaskError } from '../task/errors.ts';
import type { TaskEvent } from '../task/event.ts';
import { type Step, stepContainer } from '../task/step.ts';
import { FALLIBLE_STEPS } from './run-step.ts';

/**
 * What the task is told of a step that failed without being given up: `stepFailed` when its container or task ends
 * for it; anything else when it is tried until it works.
 */
export function judgeFailure(step: Step, error: unknown): TaskEvent {
  const container = stepContainer(step);
  if (FALLIBLE_STEPS.has(step.kind) && error instanceof TaskError)
    return {
      kind: 'stepFailed',
      step: step.kind,
      reason: reasonOf(error),
      ...(container !== undefined && { container }),
    };
  const timedOut = error instanceof TaskError && error.code === 'DockerTimeoutError';
  return timedOut && container !== undefined
    ? { kind: 'stepTimedOut', container, reason: reasonOf(error) }
    : { kind: 'tick' };
}
