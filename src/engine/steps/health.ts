import { DeadlineExceededError, withDeadline } from '../../async/deadline.ts';
import { TaskError } from '../../task/errors.ts';
import type { TaskEvent } from '../../task/event.ts';
import { PROBE_OUTPUT_LIMIT } from '../../task/health.ts';
import { containerIdOf } from '../../task/ids.ts';
import { containerOf, type StepContext } from '../step-context.ts';

/** Runs the check in the container; running out of time, or not running at all, is a failure. */
export async function probeHealth(context: StepContext, name: string): Promise<TaskEvent> {
  const { spec, state } = containerOf(context.task, name);
  if (spec.healthCheck === undefined) throw new Error(`container "${name}" has no health check`);
  const { command, timeoutMs } = spec.healthCheck;
  const id = containerIdOf(context.task.spec.arn, name, state.generation);
  try {
    const result = await withDeadline('health check', timeoutMs, context.signal, (signal) =>
      context.runtime.exec(id, { args: command, outputLimit: PROBE_OUTPUT_LIMIT }, { signal }),
    );
    return { kind: 'healthProbed', container: name, result };
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof DeadlineExceededError)
      return {
        kind: 'healthProbed',
        container: name,
        result: { output: `no answer within ${timeoutMs} ms` },
      };
    if (error instanceof TaskError)
      return { kind: 'healthProbed', container: name, result: { exitCode: -1, output: error.message } };
    throw error;
  }
}
