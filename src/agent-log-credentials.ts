import type { CredentialsProvider } from './aws/credentials.ts';
import type { LogCredentialsSource } from './container-log/log-service-client.ts';
import { INSTANCE_CREDENTIALS } from './container-log/service/credentials-broker.ts';
import type { CredentialsStore } from './credentials/credentials-store.ts';

/** What log drivers sign with: the agent's own credentials, or those of a task's execution role by their id. */
export function logCredentials(own: CredentialsProvider, roles: CredentialsStore): LogCredentialsSource {
  return async (id) => {
    if (id === INSTANCE_CREDENTIALS) return await own.get();
    const found = roles.get(id);
    if (found === undefined) throw new Error('Unable to get execution role credentials for task');
    const expiresAt = Date.parse(found.expiration);
    return {
      accessKeyId: found.accessKeyId,
      secretAccessKey: found.secretAccessKey,
      sessionToken: found.sessionToken,
      ...(Number.isFinite(expiresAt) && { expiresAt }),
    };
  };
}
