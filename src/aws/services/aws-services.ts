import type { ServiceSettings, ServiceTarget } from './client-settings.ts';
import type { EcrAuthorization } from './ecr.ts';
import type { Parameters } from './parameter-store.ts';
import type { SecretId } from './secrets-manager.ts';

/** One call's limits. */
interface CallOptions {
  readonly signal: AbortSignal;
}

/**
 * AWS services that are asked on behalf of tasks. Each client is loaded when it is first needed and lives for one
 * call. Calls are tried three times and reject with the SDK's errors, whose `name` is the service's error code.
 */
export class AwsServices {
  readonly #settings: ServiceSettings;

  constructor(settings: ServiceSettings) {
    this.#settings = settings;
  }

  /** Decrypted parameters of SSM Parameter Store; at most ten names. */
  async getParameters(
    target: ServiceTarget,
    names: readonly string[],
    options: CallOptions,
  ): Promise<Parameters> {
    const { getParameters } = await import('./parameter-store.ts');
    return await getParameters(target, names, this.#settings, options);
  }

  /** The text of a secret; undefined when the secret holds bytes. */
  async getSecretText(
    target: ServiceTarget,
    id: SecretId,
    options: CallOptions,
  ): Promise<string | undefined> {
    const { getSecretText } = await import('./secrets-manager.ts');
    return await getSecretText(target, id, this.#settings, options);
  }

  /** An object of S3 as text, wherever its bucket is. */
  async getObjectText(
    target: ServiceTarget,
    object: { readonly bucket: string; readonly key: string },
    options: CallOptions,
  ): Promise<string> {
    const { getObjectText } = await import('./s3.ts');
    return await getObjectText(target, object, this.#settings, options);
  }

  /** Logins of an ECR registry, as the service lists them. */
  async getEcrAuthorization(
    target: ServiceTarget,
    registryId: string,
    options: CallOptions,
  ): Promise<readonly EcrAuthorization[]> {
    const { getEcrAuthorization } = await import('./ecr.ts');
    return await getEcrAuthorization(target, registryId, this.#settings, options);
  }
}
