import { randomUUID } from 'node:crypto';
import type { ContainerdClient } from '../client.ts';
import { letGoOfLease } from '../leases.ts';

/** Begins the id of every lease of a pull. */
const PREFIX = 'ecs-pull-';
/** Longer than any pull; frees what an agent that died held (containerd.md §4). */
const EXPIRY_MS = 24 * 3_600_000;

/**
 * Runs a pull under a lease of its own, which goes when the pull has ended, however it ended; with what a failed
 * one has left (CTD-15).
 */
export async function withPullLease<T>(
  client: ContainerdClient,
  live: Set<string>,
  signal: AbortSignal,
  work: (lease: string) => Promise<T>,
): Promise<T> {
  const id = `${PREFIX}${Date.now()}-${randomUUID()}`;
  const labels = { 'containerd.io/gc.expire': new Date(Date.now() + EXPIRY_MS).toISOString() };
  live.add(id);
  let failed = true;
  try {
    await client.unary('leases', 'Create', { id, labels }, { signal });
    const result = await work(id);
    failed = false;
    return result;
  } finally {
    // An aborted Create may have had its effect, so the lease is deleted in any case.
    await letGoOfLease(client, id, { collect: failed }).catch(() => undefined);
    live.delete(id);
  }
}

/** Removes leases of pulls that nobody runs any more: of an agent that was killed (CTD-46). */
export async function removeStalePullLeases(
  client: ContainerdClient,
  live: ReadonlySet<string>,
  call: { readonly signal: AbortSignal },
): Promise<void> {
  const { leases } = await client.unary('leases', 'List', {}, call);
  for (const { id } of leases ?? []) {
    if (id.startsWith(PREFIX) && !live.has(id)) await letGoOfLease(client, id);
  }
}
