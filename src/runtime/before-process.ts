import type { StartOptions } from './runtime.ts';

type BeforeProcess = StartOptions['beforeProcess'];

/** Runs a start; where it fails by what the caller does before the process, it fails with the caller's own error. */
export async function withCallersWork<T>(
  beforeProcess: BeforeProcess,
  start: (beforeProcess: BeforeProcess) => Promise<T>,
): Promise<T> {
  if (beforeProcess === undefined) return await start(undefined);
  let failed: { readonly error: unknown } | undefined;
  try {
    return await start(async (options) => {
      try {
        await beforeProcess(options);
      } catch (error) {
        if (!options.signal.aborted) failed = { error };
        throw error;
      }
    });
  } catch (error) {
    throw failed === undefined ? error : failed.error;
  }
}
