import { TaskError } from '../task/errors.ts';
import { formatGoDuration } from '../task/go-duration.ts';

/** A pull gave no sign of life in time (ENG-23). */
export function neverBegunPull(timeoutMs: number): TaskError {
  const text = `Could not transition to pullBegin; timed out after waiting ${formatGoDuration(timeoutMs)}`;
  return new TaskError('DockerTimeoutError', text, { retryable: true });
}

/** A pull stood still for too long (ENG-24). */
export function inactivePull(reference: string, timeoutMs: number): TaskError {
  const text = `pulling ${reference}: inactive for too long, no progress within ${formatGoDuration(timeoutMs)}`;
  return new TaskError('CannotPullContainerError', text, { retryable: true });
}
