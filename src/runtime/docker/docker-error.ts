import { RuntimeUnavailableError, TaskError, type TaskErrorCode } from '../../task/errors.ts';

/** An answer of dockerd that is no success. */
export class DockerError extends Error {
  override readonly name = 'DockerError';
  /** HTTP status. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function hasStatus(error: unknown, ...statuses: readonly number[]): error is DockerError {
  return error instanceof DockerError && statuses.includes(error.status);
}

/** Runs a call of the port: what goes wrong comes out as the port's contract says. */
export async function told<T>(code: TaskErrorCode, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TaskError || error instanceof RuntimeUnavailableError) throw error;
    const text = error instanceof Error ? error.message : String(error);
    throw new TaskError(code, text, { cause: error });
  }
}
