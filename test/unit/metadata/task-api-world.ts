import { connect, createServer, type Server, type Socket } from 'node:net';
import { CredentialsStore, type RoleCredentials } from '../../../src/credentials/credentials-store.ts';
import type { AuditEntry } from '../../../src/metadata/audit-log.ts';
import { EndpointIds } from '../../../src/metadata/endpoint-ids.ts';
import { RateLimiter } from '../../../src/metadata/rate-limit.ts';
import { type EndpointScope, EndpointTasks } from '../../../src/metadata/task-api/endpoint-tasks.ts';
import type { ContainerStatistics, ReadTags } from '../../../src/metadata/task-api/metadata-routes.ts';
import type { ProtectionCalls } from '../../../src/metadata/task-api/protection-route.ts';
import { TaskApiServer } from '../../../src/metadata/task-api/task-api-server.ts';
import type { InstanceView } from '../../../src/metadata/task-api/task-documents.ts';
import type { FaultInjector } from '../../../src/task/fault.ts';
import type { TaskState } from '../../../src/task/task-state.ts';

/** What a request was answered with; `json` is undefined where the body is none. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly json: unknown;
}

export interface TaskApiWorldOptions {
  readonly tasks: readonly TaskState[];
  /** Everybody asks through the host, also tasks of other network modes. */
  readonly allFromHost?: boolean;
  readonly instance?: Partial<InstanceView>;
  readonly statistics?: ContainerStatistics;
  readonly readTags?: ReadTags;
  readonly protection?: ProtectionCalls;
  readonly faults?: FaultInjector;
  readonly faultLimit?: { readonly steady: number; readonly burst: number };
  readonly limit?: { readonly steady: number; readonly burst: number };
}

const NO_PROTECTION: ProtectionCalls = {
  getProtection: () => Promise.reject(new Error('not expected')),
  updateProtection: () => Promise.reject(new Error('not expected')),
};

const NO_FAULTS: FaultInjector = {
  start: () => Promise.reject(new Error('not expected')),
  stop: () => Promise.reject(new Error('not expected')),
  status: () => Promise.reject(new Error('not expected')),
};

/** The server that answers tasks, behind listeners of which each stands for a namespace or for the host. */
export class TaskApiWorld implements AsyncDisposable {
  readonly ids = new EndpointIds('0a'.repeat(32));
  readonly store = new CredentialsStore();
  readonly audited: AuditEntry[] = [];
  readonly faultFailures: unknown[] = [];
  readonly listenFailures: Error[] = [];
  readonly requestFailures: unknown[] = [];
  tasks: readonly TaskState[];
  readonly #server: TaskApiServer;
  readonly #listeners: Server[] = [];
  readonly #ports = new Map<string, number>();

  constructor(options: TaskApiWorldOptions) {
    this.tasks = options.tasks;
    this.#server = new TaskApiServer({
      sources: {
        tasks: new EndpointTasks({
          ids: this.ids,
          tasks: () => this.tasks,
          callsFromHost: ({ networkMode }) => options.allFromHost === true || networkMode === 'host',
        }),
        store: this.store,
        instance: () => ({ cluster: 'peer', volumesDirectory: '/volumes', ...options.instance }),
        statistics: options.statistics ?? { latest: () => 'unwatched', networkRates: () => undefined },
        readTags: options.readTags ?? (async () => ({ errors: [] })),
        protection: options.protection ?? NO_PROTECTION,
        faults: options.faults ?? NO_FAULTS,
        faultLimiter: new RateLimiter(options.faultLimit ?? { steady: 10_000, burst: 10_000 }),
        onFaultFailed: (error) => this.faultFailures.push(error),
      },
      limiter: new RateLimiter(options.limit ?? { steady: 10_000, burst: 10_000 }),
      audit: (entry) => this.audited.push(entry),
      onRequestFailed: (error) => this.requestFailures.push(error),
      onListenFailed: (error) => this.listenFailures.push(error),
    });
  }

  listenOnHost(port: number): void {
    this.#server.listenOnHost(port);
  }

  /** Opens connections on which nothing is said; `closed` counts those that the server has ended. */
  async connections(scope: EndpointScope, count: number): Promise<Disposable & { closed(): number }> {
    const port = await this.#portOf(scope);
    let closed = 0;
    const sockets = Array.from({ length: count }, () =>
      connect(port, '127.0.0.1')
        .on('error', () => {})
        .once('close', () => {
          closed += 1;
        })
        .resume(),
    );
    return {
      closed: () => closed,
      [Symbol.dispose]: () => {
        for (const socket of sockets) socket.destroy();
      },
    };
  }

  /** Sends raw text and gives all that comes back until the connection ends. */
  async raw(scope: EndpointScope, text: string): Promise<string> {
    return await this.#exchange(scope, (socket) => socket.write(text));
  }

  /** Sends bytes and then nothing more; gives all that comes back until the connection ends. */
  async rawToEnd(scope: EndpointScope, bytes: Uint8Array): Promise<string> {
    return await this.#exchange(scope, (socket) => socket.end(bytes));
  }

  async #exchange(scope: EndpointScope, send: (socket: Socket) => void): Promise<string> {
    const socket = connect(await this.#portOf(scope), '127.0.0.1');
    let received = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      received += chunk;
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once('close', () => resolve());
    socket.on('error', () => {});
    send(socket);
    await promise;
    return received;
  }

  async request(
    scope: EndpointScope,
    path: string,
    { method = 'GET', body }: { readonly method?: string; readonly body?: string } = {},
  ): Promise<Reply> {
    const response = await fetch(`http://127.0.0.1:${await this.#portOf(scope)}${path}`, {
      method,
      redirect: 'manual',
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: text,
      json: parsed(text),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const listener of this.#listeners) listener.close();
  }

  async #portOf(scope: EndpointScope): Promise<number> {
    const key = scope.kind === 'host' ? 'host' : scope.taskId;
    const known = this.#ports.get(key);
    if (known !== undefined) return known;
    const listener = createServer((socket) => this.#server.take(socket, scope));
    this.#listeners.push(listener);
    const { promise, resolve } = Promise.withResolvers<void>();
    listener.listen(0, '127.0.0.1', resolve);
    await promise;
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    this.#ports.set(key, address.port);
    return address.port;
  }
}

/** Credentials whose every member tells which they are. */
export function roleCredentials(id: string, role = 'arn:aws:iam::123456789012:role/task'): RoleCredentials {
  return {
    credentialsId: id,
    roleArn: role,
    accessKeyId: `AKID-${id}`,
    secretAccessKey: `SECRET-${id}`,
    sessionToken: `TOKEN-${id}`,
    expiration: '2030-01-01T00:00:00Z',
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
