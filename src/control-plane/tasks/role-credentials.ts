import { randomBytes, randomUUID } from 'node:crypto';
import type { CredentialsRecord } from '../state/records.ts';

/**
 * Temporary keys for a role. They are known to this control plane alone, which accepts them in signatures
 * until they end; nothing of AWS does. A renewal keeps `credentialsId` (acs.md §9.5).
 */
export function issueCredentials(
  roleArn: string,
  nowMs: number,
  lifeMs: number,
  credentialsId: string = randomUUID(),
): CredentialsRecord {
  return {
    credentialsId,
    roleArn,
    accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: randomBytes(96).toString('base64'),
    // The wire carries whole seconds.
    expiresAt: Math.floor((nowMs + lifeMs) / 1000) * 1000,
  };
}
