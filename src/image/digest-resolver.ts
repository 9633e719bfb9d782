import type { ImageRequest, ResolveOptions } from './images.ts';
import { imageError, troubleOf } from './pull-errors.ts';
import { parseReference } from './reference.ts';
import type { RegistryClient } from './registry/registry-client.ts';
import { RegistryError } from './registry/registry-error.ts';
import { MANIFEST_RETRY, type RetryPolicy, retrying } from './retry.ts';

/** Whether the same request may succeed later; a refusal such as a missing tag is told at once. */
export function isRetryableRegistryError(error: unknown): boolean {
  return error instanceof RegistryError && error.retryable;
}

/**
 * The digest that a reference names at its registry now (task-engine.md §8.2): its own if it has one, undefined for
 * schema 1. Throws CannotPullImageManifestError, or the signal's reason.
 */
export async function resolveDigest(
  registry: RegistryClient,
  request: ImageRequest,
  { signal, onTrouble, policy = MANIFEST_RETRY }: ResolveOptions & { readonly policy?: RetryPolicy },
): Promise<string | undefined> {
  try {
    const { host, repository, tag = 'latest', digest } = parseReference(request.reference);
    if (digest !== undefined) return digest;
    const { credentials } = request;
    const target = { host, repository, ...(credentials === undefined ? {} : { credentials }) };
    const onRetry = (error: unknown) => onTrouble?.(troubleOf(error, request.reference));
    return await retrying({ ...policy, onRetry }, isRetryableRegistryError, signal, () =>
      registry.digestOf(target, tag, { signal, onTrouble: onRetry }),
    );
  } catch (error) {
    signal.throwIfAborted();
    throw imageError(
      'CannotPullImageManifestError',
      request.reference,
      error,
      isRetryableRegistryError(error),
    );
  }
}
