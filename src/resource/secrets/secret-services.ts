/** Keys of the execution role. */
export interface RoleKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

interface Target {
  readonly region: string;
  readonly credentials: RoleKeys;
}

interface CallOptions {
  readonly signal: AbortSignal;
}

/** The services that hold secrets and environment files; errors have the service's code as their name. */
export interface SecretServices {
  /** At most ten names. Values are found under each name that the service knows the parameter by. */
  getParameters(
    target: Target,
    names: readonly string[],
    options: CallOptions,
  ): Promise<{ readonly values: ReadonlyMap<string, string>; readonly invalid: readonly string[] }>;
  /** Undefined when the secret has no text. */
  getSecretText(
    target: Target,
    id: { readonly secretId: string; readonly versionStage?: string; readonly versionId?: string },
    options: CallOptions,
  ): Promise<string | undefined>;
  getObjectText(
    target: Target,
    object: { readonly bucket: string; readonly key: string },
    options: CallOptions,
  ): Promise<string>;
}

/** What fetching needs: whom to ask, as whom, and until when. */
export interface Fetching {
  readonly services: SecretServices;
  readonly credentials: RoleKeys;
  readonly signal: AbortSignal;
}

/** A value is one of a region: the same name elsewhere is another one. */
export function secretKey({ valueFrom, region }: { readonly valueFrom: string; readonly region: string }) {
  return `${valueFrom}_${region}`;
}
