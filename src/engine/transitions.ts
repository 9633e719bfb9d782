import type { Logger } from 'pino';
import type { Transition } from '../task/timeline.ts';

/** Logs each transition of the task and its containers once: from, to, why, and how long it took. */
export function logTransitions(log: Logger, transitions: readonly Transition[]): void {
  for (const { at: _, container, what, from, to, lasted, ...rest } of transitions) {
    const fields = { from, to, ms: lasted, ...rest };
    if (what === 'desired') log.info(fields, 'task wanted otherwise');
    else if (container === undefined) log.info(fields, 'task moved');
    else log.info({ container, ...fields }, what === 'known' ? 'container moved' : 'container starts again');
  }
}
