import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { clientSettings, type ServiceSettings, type ServiceTarget } from './client-settings.ts';

export interface SecretId {
  /** Name or ARN. */
  readonly secretId: string;
  readonly versionStage?: string;
  readonly versionId?: string;
}

export async function getSecretText(
  target: ServiceTarget,
  { secretId, versionStage, versionId }: SecretId,
  settings: ServiceSettings,
  { signal }: { readonly signal: AbortSignal },
): Promise<string | undefined> {
  const client = new SecretsManagerClient(await clientSettings('SECRETS_MANAGER', target, settings));
  try {
    const answer = await client.send(
      new GetSecretValueCommand({
        SecretId: secretId,
        ...(versionStage !== undefined && { VersionStage: versionStage }),
        ...(versionId !== undefined && { VersionId: versionId }),
      }),
      { abortSignal: signal },
    );
    return answer.SecretString;
  } finally {
    client.destroy();
  }
}
