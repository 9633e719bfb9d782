import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { clientSettings, type ServiceSettings, type ServiceTarget } from './client-settings.ts';

export interface EcrAuthorization {
  /** Base64 of `user:password`. */
  readonly token: string;
  /** Epoch ms; absent where the service does not say. */
  readonly expiresAt?: number;
}

/** One login for each registry that the service lists in its answer. */
export async function getEcrAuthorization(
  target: ServiceTarget,
  registryId: string,
  settings: ServiceSettings,
  { signal }: { readonly signal: AbortSignal },
): Promise<readonly EcrAuthorization[]> {
  const client = new ECRClient(await clientSettings('ECR', target, settings));
  try {
    const answer = await client.send(new GetAuthorizationTokenCommand({ registryIds: [registryId] }), {
      abortSignal: signal,
    });
    return (answer.authorizationData ?? []).map(({ authorizationToken = '', expiresAt }) => ({
      token: authorizationToken,
      ...(expiresAt !== undefined && { expiresAt: expiresAt.getTime() }),
    }));
  } finally {
    client.destroy();
  }
}
