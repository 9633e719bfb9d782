import type { ContainerdClient } from './client.ts';
import { hasCode } from './containerd-error.ts';

/** Marks a lease as this agent's; the value says what it was for. */
const LEASE_LABEL = 'ecs-containerd-agent.lease';
const CLEANUP_TIMEOUT_MS = 10_000;

export interface LeaseOptions {
  /** Unique in the namespace, derived from what is done so that a re-run finds it. */
  readonly id: string;
  /** Shown to whoever lists leases, e.g. `pull`. */
  readonly purpose: string;
  /** How long it holds when this process dies before it lets go, ms. */
  readonly expiresInMs: number;
  readonly signal: AbortSignal;
  /** True: once the job has succeeded, nobody waits until the lease is gone. */
  readonly goesLater?: boolean;
}

/**
 * Runs a job of several calls under a lease, which holds what the job makes until something else refers to it
 * (containerd.md §4, CTD-6). The lease goes in the end, whatever happened (CTD-45).
 */
export async function withLease<T>(
  client: ContainerdClient,
  { id, purpose, expiresInMs, signal, goesLater = false }: LeaseOptions,
  work: (lease: string) => Promise<T>,
): Promise<T> {
  await client.unfinishedLeases.claim(id);
  const expires = new Date(Date.now() + expiresInMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const labels = { 'containerd.io/gc.expire': expires, [LEASE_LABEL]: purpose };
  let hasSucceeded = false;
  try {
    // One that fails, as containerd is killed, may have had its effect: the lease is let go of all the same.
    await client.unary('leases', 'Create', { id, labels }, { signal }).catch((error: unknown) => {
      if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
    });
    const result = await work(id);
    hasSucceeded = true;
    return result;
  } finally {
    if (goesLater && hasSucceeded) client.unfinishedLeases.deleteSoon(id, (own) => deleteLease(client, own));
    else await letGoOfLease(client, id);
  }
}

/** Removes leases of an agent that died; only one agent uses a namespace (CTD-46). Gives their number. */
export async function removeStaleLeases(client: ContainerdClient, signal: AbortSignal): Promise<number> {
  const { leases } = await client.unary(
    'leases',
    'List',
    { filters: [`labels."${LEASE_LABEL}"`] },
    { signal },
  );
  for (const { id } of leases) await letGoOfLease(client, id);
  return leases.length;
}

/**
 * Deletes a lease whose job is done; one that containerd does not let go of now is kept in mind. With `collect`
 * what it alone held is gone when this resolves; otherwise containerd removes that when it next collects.
 */
export async function letGoOfLease(
  client: ContainerdClient,
  id: string,
  { collect = false }: { readonly collect?: boolean } = {},
): Promise<void> {
  try {
    await deleteLease(client, id, collect);
  } catch (error) {
    if (!hasCode(error, 'UNAVAILABLE', 'DEADLINE_EXCEEDED')) throw error;
    client.unfinishedLeases.add(id);
  }
}

/** Deletes what could not be deleted before; for when containerd has just come back. */
export async function deleteUnfinishedLeases(client: ContainerdClient): Promise<void> {
  await client.unfinishedLeases.retry((id) => deleteLease(client, id));
}

async function deleteLease(client: ContainerdClient, id: string, sync = false): Promise<void> {
  try {
    // A signal of its own: an aborted job must let go as well.
    const { signal } = new AbortController();
    await client.unary('leases', 'Delete', { id, sync }, { signal, timeoutMs: CLEANUP_TIMEOUT_MS });
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
  }
}
