import type { CallOptions } from '@grpc/grpc-js';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { StreamName, UnaryName } from './api.ts';
import { type AnswerOf, ContainerdApi, type RequestOf, type ServiceName } from './api.ts';
import { ContainerdError, containerdErrorOf } from './containerd-error.ts';
import { ContentWrite } from './content-write.ts';
import { UnfinishedLeases } from './unfinished-leases.ts';

/** Largest message in either direction: the server's own limit (containerd.md §1, CTD-38). */
const MESSAGE_LIMIT_BYTES = 16 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 30_000;
const STREAM_TIMEOUT_MS = 120_000;
/** Calls that last as long as the OCI runtime, a stuck mount or a decompression (containerd.md §1, §7). */
const SLOW_CALLS: Readonly<Record<string, number>> = {
  '/containerd.services.tasks.v1.Tasks/Create': 120_000,
  '/containerd.services.tasks.v1.Tasks/Start': 120_000,
  '/containerd.services.tasks.v1.Tasks/Delete': 120_000,
  '/containerd.services.tasks.v1.Tasks/DeleteProcess': 120_000,
  '/containerd.services.diff.v1.Diff/Apply': 600_000,
  '/containerd.services.images.v1.Images/Delete': 120_000,
  '/containerd.services.leases.v1.Leases/Delete': 120_000,
};

export interface ClientOptions {
  /** Path of containerd's socket. */
  readonly address: string;
  /** containerd namespace; goes with every call (CTD-1). */
  readonly namespace: string;
}

export interface RequestOptions {
  readonly signal: AbortSignal;
  /** Lease that is to hold what the call makes. */
  readonly lease?: string;
  /** Instead of the call's own deadline, ms; 0: none. */
  readonly timeoutMs?: number;
}

/**
 * containerd's API over its socket. Connects on first use and again by itself. Calls reject with a
 * `ContainerdError`, or with the signal's reason when aborted: the work may then still be done.
 */
export class ContainerdClient {
  readonly namespace: string;
  readonly address: string;
  readonly api = new ContainerdApi();
  readonly unfinishedLeases = new UnfinishedLeases();
  readonly #client: Client;

  constructor(options: ClientOptions) {
    this.namespace = options.namespace;
    this.address = options.address;
    this.#client = newConnection(options.address);
  }

  /** One request, one answer. Has a deadline, except `tasks.Wait` (CTD-37). */
  unary<S extends ServiceName, M extends UnaryName<S>>(
    service: S,
    method: M,
    request: RequestOf<S, M>,
    options: RequestOptions,
  ): Promise<AnswerOf<S, M>> {
    const { signal } = options;
    if (signal.aborted) return Promise.reject(signal.reason);
    const { path, requestSerialize, responseDeserialize } = this.api.method(service, method);
    const waits = service === 'tasks' && method === 'Wait';
    const timeoutMs = options.timeoutMs ?? (waits ? 0 : (SLOW_CALLS[path] ?? DEFAULT_TIMEOUT_MS));
    return new Promise((resolve, reject) => {
      const onAbort = (): void => call.cancel();
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        this.#metadata(options),
        callOptions(timeoutMs),
        (error, answer) => {
          signal.removeEventListener('abort', onAbort);
          if (error !== null) reject(signal.aborted ? signal.reason : containerdErrorOf(error, path));
          else if (answer === undefined) reject(new ContainerdError('INTERNAL', path, 'empty answer'));
          else resolve(answer);
        },
      );
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** The messages of a stream of answers. Leaving the loop early ends the call. Events have no deadline. */
  async *stream<S extends 'content' | 'snapshots' | 'events', M extends StreamName<S>>(
    service: S,
    method: M,
    request: RequestOf<S, M>,
    options: RequestOptions,
  ): AsyncGenerator<AnswerOf<S, M>, void, void> {
    const { signal } = options;
    signal.throwIfAborted();
    const { path, requestSerialize, responseDeserialize } = this.api.method(service, method);
    const timeoutMs = options.timeoutMs ?? (service === 'events' ? 0 : STREAM_TIMEOUT_MS);
    const call = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      this.#metadata(options),
      callOptions(timeoutMs),
    );
    const onAbort = (): void => call.cancel();
    signal.addEventListener('abort', onAbort, { once: true });
    // The error of a call that nobody reads any more must not become an uncaught one.
    call.on('error', () => undefined);
    try {
      for await (const message of call) yield message;
    } catch (error) {
      signal.throwIfAborted();
      throw containerdErrorOf(error, path);
    } finally {
      signal.removeEventListener('abort', onAbort);
      call.cancel();
    }
  }

  /** Begins to write one blob; no small call has to wait behind its bytes (containerd.md §1). No deadline but the signal. */
  writeContent({ lease, signal }: Omit<RequestOptions, 'timeoutMs'>): ContentWrite {
    const method = this.api.method('content', 'Write');
    const metadata = metadataOf(this.namespace, lease);
    return new ContentWrite({ address: this.address, method, metadata, signal });
  }

  /** Closes the connection. Calls in flight reject; a blob that is being written ends by its signal. */
  close(): void {
    this.#client.close();
  }

  #metadata({ lease }: { readonly lease?: string }): Metadata {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(metadataOf(this.namespace, lease))) metadata.set(name, value);
    return metadata;
  }
}

function metadataOf(namespace: string, lease: string | undefined): Readonly<Record<string, string>> {
  return { 'containerd-namespace': namespace, ...(lease !== undefined && { 'containerd-lease': lease }) };
}

function callOptions(timeoutMs: number): CallOptions {
  return timeoutMs === 0 ? {} : { deadline: Date.now() + timeoutMs };
}

function newConnection(address: string): Client {
  return new Client(`unix://${address}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': MESSAGE_LIMIT_BYTES,
    'grpc.max_send_message_length': MESSAGE_LIMIT_BYTES,
    // The socket's path is no valid authority (containerd.md §1).
    'grpc.default_authority': 'localhost',
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
    // Without it grpc-js gives two clients of one address the same connection.
    'grpc.use_local_subchannel_pool': 1,
  });
}
