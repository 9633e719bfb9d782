import { AGENT_HASH, AGENT_NAME, AGENT_VERSION } from '../agent-version.ts';
import { type ConnectionSettings, createHttpAgent } from '../aws/connections.ts';
import type { CredentialsProvider } from '../aws/credentials.ts';
import { RequestSigner } from '../aws/signing.ts';
import type { Config } from '../config/config.ts';
import { z } from '../schema.ts';
import {
  type EcsApi,
  EcsApiError,
  type PollEndpoints,
  type RegisterContainerInstanceRequest,
  type RegisteredContainerInstance,
  type SubmitAttachmentRequest,
  type SubmitTaskStateChangeRequest,
} from './ecs-api.ts';
import { ecsEndpoint } from './endpoint.ts';
import { JsonClient, type JsonClientOptions } from './json-client.ts';
import { PollEndpointCache } from './poll-endpoints.ts';
import { pollEndpointsSchema, registeredSchema } from './responses.ts';
import { STANDARD_RETRIES, SUBMIT_RETRIES } from './retry-policy.ts';

export interface EcsClientOptions extends Partial<Pick<JsonClientOptions, 'timeouts' | 'wait' | 'random'>> {
  readonly config: Config;
  readonly credentials: CredentialsProvider;
  readonly now?: () => number;
}

/** The ECS API over HTTP. Throws `ConfigError` when the endpoint may not be used. */
export class EcsClient implements EcsApi {
  readonly #calls: JsonClient;
  readonly #pollEndpoints: PollEndpointCache;
  readonly #closing = new AbortController();

  constructor(options: EcsClientOptions) {
    const { config, credentials, now, timeouts, wait, random } = options;
    const endpoint = ecsEndpoint(config);
    const connection: ConnectionSettings = config;
    this.#pollEndpoints = new PollEndpointCache(now);
    this.#calls = new JsonClient({
      endpoint,
      signer: new RequestSigner({ credentials, region: config.region, service: 'ecs', ...(now && { now }) }),
      userAgent: userAgent(config.detailedOsFamily),
      createAgent: () => createHttpAgent(endpoint.protocol, connection),
      ...(timeouts && { timeouts }),
      ...(wait && { wait }),
      ...(random && { random }),
    });
  }

  async registerContainerInstance(
    request: RegisterContainerInstanceRequest,
    { signal }: { signal: AbortSignal },
  ): Promise<RegisteredContainerInstance> {
    const { containerInstance } = await this.#calls.call(
      'RegisterContainerInstance',
      request,
      registeredSchema,
      STANDARD_RETRIES,
      this.#untilClosed(signal),
    );
    return {
      containerInstanceArn: containerInstance.containerInstanceArn,
      attributes: containerInstance.attributes.map(({ name, value }) =>
        typeof value === 'string' ? { name, value } : { name },
      ),
    };
  }

  async createCluster(clusterName: string, { signal }: { signal: AbortSignal }): Promise<void> {
    const until = this.#untilClosed(signal);
    await this.#calls.call('CreateCluster', { clusterName }, z.unknown(), STANDARD_RETRIES, until);
  }

  async discoverPollEndpoint(
    cluster: string,
    containerInstance: string,
    { signal }: { signal: AbortSignal },
  ): Promise<PollEndpoints> {
    return await this.#pollEndpoints.get(containerInstance, this.#untilClosed(signal), async (ownSignal) => {
      const { endpoint, telemetryEndpoint } = await this.#calls.call(
        'DiscoverPollEndpoint',
        { cluster, containerInstance, zoneId: '' },
        pollEndpointsSchema,
        STANDARD_RETRIES,
        this.#untilClosed(ownSignal),
      );
      return { acs: endpoint, ...(telemetryEndpoint && { telemetry: telemetryEndpoint }) };
    });
  }

  async submitTaskStateChange(
    request: SubmitTaskStateChangeRequest,
    { signal }: { signal: AbortSignal },
  ): Promise<void> {
    const until = this.#untilClosed(signal);
    await this.#calls.call('SubmitTaskStateChange', request, z.unknown(), SUBMIT_RETRIES, until);
  }

  async submitAttachment(
    { cluster, attachmentArn, task }: SubmitAttachmentRequest,
    { signal }: { signal: AbortSignal },
  ): Promise<void> {
    const attachments = [{ attachmentArn, status: 'ATTACHED' }];
    await this.#calls.call(
      task === undefined ? 'SubmitAttachmentStateChanges' : 'SubmitTaskStateChange',
      { cluster, ...(task !== undefined && { task }), attachments },
      z.unknown(),
      SUBMIT_RETRIES,
      this.#untilClosed(signal),
    );
  }

  /** Ends all calls under way and closes the connections. */
  async close(): Promise<void> {
    this.#closing.abort(new EcsApiError('Closed', 'the ECS client was closed', 0));
    await this.#calls.close();
  }

  #untilClosed(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }
}

/** Product, version and system, in the form ECS knows (ECS-03). */
export function userAgent(detailedOsFamily: string): string {
  const system = `${process.platform}; ${detailedOsFamily}`;
  return `${AGENT_NAME} - v${AGENT_VERSION} (${AGENT_HASH}) (${system}) (+http://aws.amazon.com/ecs/)`;
}
