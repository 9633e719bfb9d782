import type { Logger } from 'pino';
import { renderReason } from '../task/errors.ts';
import type { TaskEvent } from '../task/event.ts';
import type { TaskState } from '../task/task-state.ts';

/** Logs each transition of the task and its containers once: from, to, why, and how long it took. */
export function logTransitions(log: Logger, before: TaskState, after: TaskState, event: TaskEvent): void {
  if (before === after) return;
  for (const container of after.containers) {
    const was = before.containers.find((c) => c.name === container.name);
    if (was === undefined || was.known === container.known) continue;
    log.info(
      {
        container: container.name,
        from: was.known,
        to: container.known,
        why: event.kind,
        ...(container.exitCode !== undefined && { exitCode: container.exitCode }),
        ...(container.known === 'STOPPED' &&
          container.reason !== undefined && { reason: renderReason(container.reason) }),
      },
      'container moved',
    );
  }
  if (before.desired !== after.desired)
    log.info({ desired: after.desired, why: event.kind }, 'task wanted otherwise');
  if (before.known !== after.known)
    log.info(
      {
        from: before.known,
        to: after.known,
        ms: after.knownAt - before.knownAt,
        why: event.kind,
        ...(after.stoppedReason !== '' && { reason: after.stoppedReason }),
      },
      'task moved',
    );
}
