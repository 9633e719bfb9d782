import { TaskError } from '../../task/errors.ts';

/** The reason of a task whose resource could not be had; its text stands alone (RES-01). */
export function resourceFailure(text: string, cause?: unknown): TaskError {
  return new TaskError('TaskResourceError', text, { cause });
}

/** What a service said, with its code. */
export function textOfFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const named = error.name === 'Error' || error.message.startsWith(error.name);
  return named ? error.message : `${error.name}: ${error.message}`;
}

/** Rejects with the failures of all, joined; resolves with the values of all otherwise. */
export async function allOrReasons<T>(
  work: readonly Promise<T>[],
  separator: string,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const settled = await Promise.allSettled(work);
  signal.throwIfAborted();
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  const [first] = failures;
  if (first !== undefined) throw resourceFailure(failures.map(textOf).join(separator), first);
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

function textOf(error: unknown): string {
  return error instanceof TaskError ? error.message : textOfFailure(error);
}
