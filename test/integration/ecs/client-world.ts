import type { ServerResponse } from 'node:http';
import { loadConfig } from '../../../src/config/load-config.ts';
import { EcsClient, type EcsClientOptions } from '../../../src/ecs/client.ts';
import { type Answer, AnsweringServer } from '../../unit/aws/answering-server.ts';

export const signal = new AbortController().signal;
export const ARN =
  'arn:aws:ecs:us-west-2:123456789012:container-instance/peer/940f6ece81778dfcad53282da73c33ce';

/** An ECS double on loopback with a client for it; the client's waits pass at once and are remembered. */
export class ClientWorld implements AsyncDisposable {
  readonly server: AnsweringServer;
  readonly client: EcsClient;
  readonly waits: number[];

  private constructor(server: AnsweringServer, client: EcsClient, waits: number[]) {
    this.server = server;
    this.client = client;
    this.waits = waits;
  }

  static async start(
    answer: Answer,
    options: {
      env?: Readonly<Record<string, string>>;
      client?: Partial<EcsClientOptions>;
      backendHost?: (server: AnsweringServer) => string;
    } = {},
  ): Promise<ClientWorld> {
    const server = await AnsweringServer.start(answer);
    const { config } = await loadConfig({
      env: {
        AWS_DEFAULT_REGION: 'us-west-2',
        ECS_CLUSTER: 'peer',
        ECS_BACKEND_HOST: options.backendHost?.(server) ?? server.url,
        ...options.env,
      },
      readFile: async () => undefined,
      imds: { userData: async () => undefined, region: async () => undefined },
    });
    const waits: number[] = [];
    const client = new EcsClient({
      config,
      credentials: { get: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }) },
      wait: async (ms, abort) => {
        abort?.throwIfAborted();
        waits.push(ms);
      },
      ...options.client,
    });
    return new ClientWorld(server, client, waits);
  }

  submit(): Promise<void> {
    const report = { cluster: 'peer', task: 'arn:task', status: 'RUNNING', reason: '' };
    return this.client.submitTaskStateChange(report, { signal });
  }

  discover(): ReturnType<EcsClient['discoverPollEndpoint']> {
    return this.client.discoverPollEndpoint('peer', ARN, { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.server[Symbol.asyncDispose]();
  }
}

/** An answer of ECS. */
export function answerJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
}

export const endpoints = {
  endpoint: 'https://ecs-a-1.us-west-2.amazonaws.com/',
  telemetryEndpoint: 'https://ecs-t-1.us-west-2.amazonaws.com/',
};
