import { Backoff } from '../async/backoff.ts';
import { withDeadline } from '../async/deadline.ts';
import { type InstanceMetadata, noInstanceMetadata } from '../aws/imds.ts';

/** Proof of which EC2 instance this is; both empty where there is none. */
export interface InstanceIdentity {
  readonly document: string;
  readonly signature: string;
}

export const NO_IDENTITY: InstanceIdentity = { document: '', signature: '' };

const LIMIT_MS = 30_000;

export interface IdentityOptions {
  readonly signal: AbortSignal;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Called when the document cannot be had: the credentials may be stale, too (ecs-api.md §A2). */
  readonly onUnavailable: () => void;
}

/**
 * Reads the identity document and its signature, each for 30 s at most (ecs-api.md §B7). Without a document both
 * are empty, without a signature only that; registration goes on in any case (ECS-79).
 */
export async function readInstanceIdentity(
  imds: InstanceMetadata,
  options: IdentityOptions,
): Promise<InstanceIdentity> {
  if (imds === noInstanceMetadata) return NO_IDENTITY;
  const document = await readPersistently(imds, '/latest/dynamic/instance-identity/document', options);
  if (document === undefined) {
    options.onUnavailable();
    return NO_IDENTITY;
  }
  const signature = await readPersistently(imds, '/latest/dynamic/instance-identity/signature', options);
  return { document, signature: signature ?? '' };
}

async function readPersistently(
  imds: InstanceMetadata,
  path: string,
  options: IdentityOptions,
): Promise<string | undefined> {
  const backoff = new Backoff({ minMs: 100, maxMs: 5_000, factor: 2, jitter: 0.2 });
  try {
    return await withDeadline(path, LIMIT_MS, options.signal, async (signal) => {
      for (;;) {
        const text = await imds.get(path, { signal }).catch(() => undefined);
        signal.throwIfAborted();
        if (text !== undefined) return text;
        await options.wait(backoff.next(), signal);
      }
    });
  } catch {
    options.signal.throwIfAborted();
    return undefined;
  }
}
