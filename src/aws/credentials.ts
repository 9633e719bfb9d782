/** Keys for signing. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Epoch ms; absent: they do not end. */
  readonly expiresAt?: number;
}

/** Gives credentials that are good now. */
export interface CredentialsProvider {
  /** Rejects with `NoCredentialsError`. */
  get(options?: { signal?: AbortSignal }): Promise<AwsCredentials>;
}

/** One place where credentials may be. */
export interface CredentialsSource {
  /** For messages. */
  readonly name: string;
  /** Undefined when nothing is set up here; rejects when something is but cannot be had. */
  load(signal: AbortSignal): Promise<AwsCredentials | undefined>;
}

/** No place had credentials; says what each answered, never a key. */
export class NoCredentialsError extends Error {
  override readonly name = 'NoCredentialsError';
}
