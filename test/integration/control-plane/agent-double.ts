import { once } from 'node:events';
import { Sha256 } from '@aws-crypto/sha256-js';
import {
  type ECSClient,
  SubmitTaskStateChangeCommand,
  type SubmitTaskStateChangeCommandInput,
} from '@aws-sdk/client-ecs';
import { SignatureV4 } from '@smithy/signature-v4';
import WebSocket from 'ws';
import { sessionUrl } from '../../../src/wire/session-url.ts';

const PATIENCE_MS = 10_000;
export const KEYS = { accessKeyId: 'test', secretAccessKey: 'test' };

export interface Message {
  readonly type: string;
  // The shape of a message is for each test to say.
  // biome-ignore lint/suspicious/noExplicitAny: what the server sent, unparsed
  readonly message: any;
}

/** A refused upgrade. */
export class RefusedError extends Error {
  readonly status: number;
  readonly body: string;

  constructor(status: number, body: string) {
    super(`refused with ${status}: ${body}`);
    this.status = status;
    this.body = body;
  }
}

function signer(keys: { accessKeyId: string; secretAccessKey: string }): SignatureV4 {
  return new SignatureV4({
    credentials: keys,
    region: 'us-west-2',
    service: 'ecs',
    sha256: Sha256,
    applyChecksum: false,
  });
}

async function signedHeaders(url: URL, body: string, keys = KEYS): Promise<Record<string, string>> {
  const signed = await signer(keys).sign({
    method: 'GET',
    protocol: 'http:',
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host },
    body,
  });
  return signed.headers;
}

/** An answer of the API; `status` is that of HTTP. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what the server sent, unparsed
  readonly body: any;
}

/** Calls the API as an agent does: with the members that only agents send, which the SDK drops. */
export async function call(endpoint: string, operation: string, body: object, keys = KEYS): Promise<Answer> {
  const url = new URL(endpoint);
  const text = JSON.stringify(body);
  const { headers } = await signer(keys).sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: '/',
    headers: {
      host: url.host,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `AmazonEC2ContainerServiceV20141113.${operation}`,
    },
    body: text,
  });
  // A connection of its own: a test may restart the control plane between two calls.
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, connection: 'close' },
    body: text,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** One open channel: what came in waits until a test asks for it. */
export class Channel {
  readonly url: URL;
  readonly socket: WebSocket;
  /** Everything that came in, in order. */
  readonly received: Message[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #taken = new Set<Message>();
  readonly #waiting = new Set<() => void>();

  constructor(url: URL, socket: WebSocket) {
    this.url = url;
    this.socket = socket;
    socket.on('message', (data) => {
      this.received.push(JSON.parse(data.toString()));
      for (const look of [...this.#waiting]) look();
    });
    this.closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: String(reason) }));
  }

  /** The next message of the type that was not given out before. */
  async next(type: string, fits: (message: Message['message']) => boolean = () => true): Promise<Message> {
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const look = () => {
      const found = this.received.find(
        (one) => one.type === type && !this.#taken.has(one) && fits(one.message),
      );
      if (found === undefined) return;
      this.#taken.add(found);
      resolve(found);
    };
    const timer = setTimeout(() => reject(new Error(`no ${type} within ${PATIENCE_MS} ms`)), PATIENCE_MS);
    this.#waiting.add(look);
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }

  send(type: string, message: object): void {
    this.socket.send(JSON.stringify({ type, message }));
  }

  /** Sends a TCS frame: header block, empty line, JSON. */
  async sendSigned(type: string, message: object, keys = KEYS): Promise<void> {
    const json = JSON.stringify({ type, message });
    const headers = await signedHeaders(this.url, json, keys);
    const block = ['authorization', 'host', 'x-amz-date'].map(
      (name) => `${name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase())}: ${headers[name]}\r\n`,
    );
    this.socket.send(`${block.join('')}\r\n${json}`);
  }

  cut(): void {
    this.socket.terminate();
  }
}

/** Opens a channel; rejects with a RefusedError when the upgrade is refused. */
export async function open(url: URL, keys = KEYS): Promise<Channel> {
  const socket = new WebSocket(url, {
    headers: await signedHeaders(url, '', keys),
    perMessageDeflate: false,
  });
  const channel = new Channel(url, socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        reject(new RefusedError(response.statusCode ?? 0, Buffer.concat(chunks).toString())),
      );
    });
  });
  return channel;
}

export interface AcsQuery {
  readonly sendCredentials?: boolean;
  readonly keys?: typeof KEYS;
  readonly cluster?: string;
}

export interface Registration {
  readonly containerInstanceArn?: string;
  readonly attributes?: readonly { readonly name: string; readonly value?: string }[];
  readonly clientToken?: string;
  readonly platformDevices?: readonly { readonly id: string; readonly type: string }[];
}

/** An agent that does what a test tells it and nothing else: no container runs. */
export class AgentDouble {
  readonly arn: string;
  readonly #endpoint: string;
  readonly #ecs: ECSClient;
  readonly #cluster: string;

  private constructor(endpoint: string, ecs: ECSClient, cluster: string, arn: string) {
    this.#endpoint = endpoint;
    this.#ecs = ecs;
    this.#cluster = cluster;
    this.arn = arn;
  }

  static async register(
    { controlPlane, ecs }: { controlPlane: { url: string }; ecs: ECSClient },
    cluster: string,
    registration: Registration = {},
  ): Promise<AgentDouble> {
    const { status, body } = await call(controlPlane.url, 'RegisterContainerInstance', {
      cluster,
      instanceIdentityDocument: '',
      instanceIdentityDocumentSignature: '',
      totalResources: [
        { name: 'CPU', type: 'INTEGER', integerValue: 2048 },
        { name: 'MEMORY', type: 'INTEGER', integerValue: 1024 },
        { name: 'PORTS', type: 'STRINGSET', stringSetValue: ['22'] },
        { name: 'PORTS_UDP', type: 'STRINGSET', stringSetValue: [] },
      ],
      attributes: [],
      clientToken: crypto.randomUUID(),
      ...registration,
    });
    if (status !== 200) throw new Error(`registration: ${JSON.stringify(body)}`);
    return new AgentDouble(controlPlane.url, ecs, cluster, body.containerInstance.containerInstanceArn);
  }

  async acs(query: AcsQuery = {}): Promise<Channel> {
    const { endpoint } = await this.#discover();
    const url = sessionUrl(endpoint, {
      agentHash: '8dfceca6',
      agentVersion: '1.0.0',
      clusterArn: query.cluster ?? this.#cluster,
      containerInstanceArn: this.arn,
      dockerVersion: 'containerd',
      protocolVersion: '2',
      sendCredentials: String(query.sendCredentials ?? true),
      seqNum: '1',
    });
    return await open(url, query.keys);
  }

  async tcs(): Promise<Channel> {
    const { telemetryEndpoint } = await this.#discover();
    const url = sessionUrl(telemetryEndpoint, {
      agentHash: '8dfceca6',
      agentVersion: '1.0.0',
      cluster: this.#cluster,
      containerInstance: this.arn,
    });
    return await open(url);
  }

  /** Acks a payload, and its credentials as an agent does. */
  ack(channel: Channel, { message }: Message): void {
    channel.send('AckRequest', {
      cluster: message.clusterArn,
      containerInstance: message.containerInstanceArn,
      messageId: message.messageId,
    });
    for (const task of message.tasks ?? []) {
      for (const set of [task.roleCredentials, task.executionRoleCredentials]) {
        if (set !== undefined) this.ackCredentials(channel, message.messageId, set);
      }
    }
  }

  ackCredentials(
    channel: Channel,
    messageId: string,
    set: { expiration: string; credentialsId: string },
  ): void {
    channel.send('IAMRoleCredentialsAckRequest', {
      messageId,
      expiration: set.expiration,
      credentialsId: set.credentialsId,
    });
  }

  async report(input: SubmitTaskStateChangeCommandInput): Promise<void> {
    await this.#ecs.send(new SubmitTaskStateChangeCommand({ cluster: this.#cluster, reason: '', ...input }));
  }

  /** Reports every container of a payload's task as RUNNING. */
  async reportRunning(task: Message['message']): Promise<void> {
    await this.report({
      task: task.arn,
      status: 'RUNNING',
      pullStartedAt: new Date(1_767_225_601_200),
      pullStoppedAt: new Date(1_767_225_606_900),
      containers: task.containers.map(({ name }: { name: string }) => ({
        containerName: name,
        status: 'RUNNING',
        runtimeId: `runtime-${name}`,
        imageDigest: 'sha256:0a1b',
      })),
    });
  }

  async reportStopped(task: Message['message'], exitCode = 0): Promise<void> {
    await this.report({
      task: task.arn,
      status: 'STOPPED',
      executionStoppedAt: new Date(1_767_229_000_500),
      containers: task.containers.map(({ name }: { name: string }) => ({
        containerName: name,
        status: 'STOPPED',
        exitCode,
      })),
    });
  }

  async #discover(): Promise<{ endpoint: string; telemetryEndpoint: string }> {
    const input = { cluster: this.#cluster, containerInstance: this.arn, zoneId: '' };
    return (await call(this.#endpoint, 'DiscoverPollEndpoint', input)).body;
  }
}
