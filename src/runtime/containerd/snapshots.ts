import type { AnswerOf, RequestOf } from './api.ts';
import type { ContainerdClient, RequestOptions } from './client.ts';
import { hasCode } from './containerd-error.ts';
import type { RuntimeContext } from './runtime-context.ts';

/**
 * Makes a writable snapshot. A containerd that was killed between making its folder and recording it refuses
 * every later one, as the folder is in the way; until then its own clean-up is asked for.
 */
export async function prepareSnapshot(
  client: ContainerdClient,
  request: RequestOf<'snapshots', 'Prepare'> & { readonly snapshotter: string },
  options: RequestOptions,
): Promise<AnswerOf<'snapshots', 'Prepare'>> {
  try {
    return await client.unary('snapshots', 'Prepare', request, options);
  } catch (error) {
    if (!hasCode(error, 'UNKNOWN')) throw error;
    try {
      const { snapshotter } = request;
      await client.unary('snapshots', 'Cleanup', { snapshotter }, { signal: options.signal });
    } catch {
      // Not every snapshotter can; the first error is the one that tells what is wrong.
      throw error;
    }
    return await client.unary('snapshots', 'Prepare', request, options);
  }
}

/** Removes a container's snapshot; the collector may have been faster (CTD-67). */
export async function removeSnapshot(
  { client, snapshotter }: RuntimeContext,
  key: string,
  options: { readonly signal: AbortSignal; readonly timeoutMs?: number },
): Promise<void> {
  try {
    await client.unary('snapshots', 'Remove', { snapshotter, key }, options);
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
  }
}
