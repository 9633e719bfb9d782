import type { AnswerOf, RequestOf } from './api.ts';
import type { ContainerdClient, RequestOptions } from './client.ts';
import { hasCode } from './containerd-error.ts';
import { clearLeftSnapshot, leftSnapshot } from './left-snapshot.ts';
import type { RuntimeContext } from './runtime-context.ts';

/** Each of them finds the folder that the one before could not pass gone. */
const PREPARE_TRIES = 3;

/** Makes a writable snapshot, also where a containerd that was killed has left a folder in its way. */
export async function prepareSnapshot(
  client: ContainerdClient,
  request: RequestOf<'snapshots', 'Prepare'> & { readonly snapshotter: string },
  options: RequestOptions,
): Promise<AnswerOf<'snapshots', 'Prepare'>> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await client.unary('snapshots', 'Prepare', request, options);
    } catch (error) {
      const folder = leftSnapshot(error);
      if (folder === undefined || tries === PREPARE_TRIES) throw error;
      await clearLeftSnapshot(folder, client.address);
    }
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
