import { DeadlineExceededError, withDeadline } from '../async/deadline.ts';
import { TaskError } from '../task/errors.ts';
import { formatGoDuration } from '../task/go-duration.ts';

/** Target words of timeouts as users know them (task-engine.md §3). */
export type TransitionWord =
  | 'MANIFEST_PULLED'
  | 'pulled'
  | 'created'
  | 'started'
  | 'stopped'
  | 'inspecting'
  | 'removing'
  | 'listing';

/**
 * Runs a transition under its deadline; running out of time is a `DockerTimeoutError` that names `toldMs`, how
 * long was waited in all (ENG-18).
 */
export async function transitionWithin<T>(
  what: TransitionWord,
  timeoutMs: number,
  parent: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  toldMs: number = timeoutMs,
): Promise<T> {
  try {
    return await withDeadline(what, timeoutMs, parent, work);
  } catch (error) {
    if (!(error instanceof DeadlineExceededError)) throw error;
    throw new TaskError(
      'DockerTimeoutError',
      `Could not transition to ${what}; timed out after waiting ${formatGoDuration(toldMs)}`,
      { cause: error },
    );
  }
}
