import type { CallOptions, ClientDuplexStream } from '@grpc/grpc-js';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { StreamName, UnaryName } from './api.ts';
import { type AnswerOf, ContainerdApi, type RequestOf, type ServiceName } from './api.ts';
import { ContainerdError, containerdErrorOf } from './containerd-error.ts';
import { DuplexCall } from './duplex-call.ts';
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

/** Messages of one blob being written; see containerd.md §5 for the order. */
export type ContentWrite = DuplexCall<RequestOf<'content', 'Write'>, AnswerOf<'content', 'Write'>>;

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
  /** Bulk writes have a connection of their own, so that they do not delay small calls (containerd.md §1). */
  #bulkClient: Client | undefined;

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

  /** Opens a Content.Write stream on the bulk connection. No deadline but the signal. */
  writeContent(options: Omit<RequestOptions, 'timeoutMs'>): ContentWrite {
    options.signal.throwIfAborted();
    this.#bulkClient ??= newConnection(this.address);
    const { path, requestSerialize, responseDeserialize } = this.api.method('content', 'Write');
    const call: ClientDuplexStream<
      RequestOf<'content', 'Write'>,
      AnswerOf<'content', 'Write'>
    > = this.#bulkClient.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      this.#metadata(options),
    );
    return new DuplexCall(call, path, options.signal);
  }

  /** Closes the connections. Calls in flight reject. */
  close(): void {
    this.#client.close();
    this.#bulkClient?.close();
  }

  #metadata(options: { readonly lease?: string }): Metadata {
    const metadata = new Metadata();
    metadata.set('containerd-namespace', this.namespace);
    if (options.lease !== undefined) metadata.set('containerd-lease', options.lease);
    return metadata;
  }
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
