import { hasCode } from './containerd-error.ts';
import type { RuntimeContext } from './runtime-context.ts';

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
