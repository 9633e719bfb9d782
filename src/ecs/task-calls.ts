import { createHttpAgent } from '../aws/connections.ts';
import type { CredentialsProvider } from '../aws/credentials.ts';
import { RequestSigner } from '../aws/signing.ts';
import type { Config } from '../config/config.ts';
import type { RoleCredentials } from '../credentials/credentials-store.ts';
import { z } from '../schema.ts';
import { userAgent } from './client.ts';
import { ecsEndpoint } from './endpoint.ts';
import { JsonClient } from './json-client.ts';
import type { RetryPolicy } from './retry-policy.ts';

/** A task waits for the answer: nothing is tried again that has not failed at once. */
const NO_RETRIES: RetryPolicy = { maxAttempts: 1, delayMs: () => 0, usesQuota: false };
const TAG_RETRIES: RetryPolicy = {
  maxAttempts: 3,
  delayMs: (retry, random) => Math.min(500 * 1.5 ** (retry - 1), 10_000) * (1 + 0.1 * random()),
  usesQuota: false,
};

const tagsSchema = z.looseObject({
  tags: z.nullish(z.array(z.looseObject({ key: z.string(), value: z.nullish(z.string()) }))),
});
const protectionSchema = z.looseObject({
  protectedTasks: z.nullish(
    z.array(
      z.looseObject({
        taskArn: z.nullish(z.string()),
        protectionEnabled: z.nullish(z.boolean()),
        /** Epoch seconds. */
        expirationDate: z.nullish(z.number()),
      }),
    ),
  ),
  failures: z.nullish(
    z.array(
      z.looseObject({
        arn: z.nullish(z.string()),
        detail: z.nullish(z.string()),
        reason: z.nullish(z.string()),
      }),
    ),
  ),
});

/** What ECS says of the scale-in protection of a task. */
export type ProtectionAnswer = z.output<typeof protectionSchema>;

export interface ProtectionUpdate {
  readonly protectionEnabled: boolean;
  readonly expiresInMinutes?: number;
}

/** Calls to ECS that a task asks for; those on its own behalf are signed with its role (metadata-endpoints.md §6). */
export class TaskEcsCalls {
  readonly #config: Config;
  readonly #instance: CredentialsProvider;

  constructor(config: Config, instance: CredentialsProvider) {
    this.#config = config;
    this.#instance = instance;
  }

  /** Tags of a task or an instance. Rejects with `EcsApiError`. */
  async tagsOf(resourceArn: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    const { tags } = await this.#call(
      this.#instance,
      'ListTagsForResource',
      { resourceArn },
      tagsSchema,
      TAG_RETRIES,
      signal,
    );
    return Object.fromEntries((tags ?? []).map(({ key, value }) => [key, value ?? '']));
  }

  async getProtection(
    cluster: string,
    task: string,
    role: RoleCredentials,
    signal: AbortSignal,
  ): Promise<ProtectionAnswer> {
    const body = { cluster, tasks: [task] };
    return await this.#call(
      asProvider(role),
      'GetTaskProtection',
      body,
      protectionSchema,
      NO_RETRIES,
      signal,
    );
  }

  async updateProtection(
    cluster: string,
    task: string,
    update: ProtectionUpdate,
    role: RoleCredentials,
    signal: AbortSignal,
  ): Promise<ProtectionAnswer> {
    const body = { cluster, tasks: [task], ...update };
    return await this.#call(
      asProvider(role),
      'UpdateTaskProtection',
      body,
      protectionSchema,
      NO_RETRIES,
      signal,
    );
  }

  async #call<T>(
    credentials: CredentialsProvider,
    operation: string,
    body: object,
    schema: z.ZodMiniType<T>,
    retries: RetryPolicy,
    signal: AbortSignal,
  ): Promise<T> {
    const endpoint = ecsEndpoint(this.#config);
    const client = new JsonClient({
      endpoint,
      signer: new RequestSigner({ credentials, region: this.#config.region, service: 'ecs' }),
      userAgent: userAgent(this.#config.detailedOsFamily),
      createAgent: () => createHttpAgent(endpoint.protocol, this.#config),
    });
    try {
      return await client.call(operation, body, schema, retries, signal);
    } finally {
      await client.close();
    }
  }
}

function asProvider({ accessKeyId, secretAccessKey, sessionToken }: RoleCredentials): CredentialsProvider {
  return { get: async () => ({ accessKeyId, secretAccessKey, sessionToken }) };
}
