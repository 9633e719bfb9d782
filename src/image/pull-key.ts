import { createHash } from 'node:crypto';
import type { PullRequest } from './images.ts';
import type { ImageReference } from './reference.ts';

/** Pulls are the same when name, digest and credentials are: nobody rides on another's rights. */
export function pullKey({ digest, credentials }: PullRequest, { canonical }: ImageReference): string {
  const who = JSON.stringify(credentials === undefined ? [] : [credentials.username, credentials.password]);
  return `${canonical} ${digest ?? ''} ${createHash('sha256').update(who).digest('base64')}`;
}
