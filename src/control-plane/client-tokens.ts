import { createHash } from 'node:crypto';
import { ApiError } from './api-error.ts';
import type { Call } from './operation.ts';

/** AWS remembers tokens for a day. */
export const TOKEN_LIFE_MS = 24 * 3_600_000;

/**
 * Runs `work` once for a clientToken and returns the ARNs it made, from memory when the token comes again.
 * The same token with another request is a ConflictException. Without a token `work` just runs.
 */
export function idempotent(
  call: Call,
  operationName: string,
  token: string | undefined,
  request: unknown,
  work: () => string[],
): readonly string[] {
  if (token === undefined) return work();
  const key = `${operationName}/${token}`;
  const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest('hex');
  const before = call.state.tokens.get(key);
  if (before !== undefined && before.createdAt > call.nowMs - TOKEN_LIFE_MS) {
    if (before.fingerprint !== fingerprint) {
      throw new ApiError(
        'ConflictException',
        `The ${operationName} request could not be processed due to conflicts. The provided clientToken is already in use with a different ${operationName} request. The resourceIds are the existing ARNs which are already associated with the clientToken.`,
        400,
        { resourceIds: before.arns },
      );
    }
    return before.arns;
  }
  const arns = work();
  call.state.tokens.put(key, { token, fingerprint, arns, createdAt: call.nowMs });
  return arns;
}
