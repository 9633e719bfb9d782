import { Backoff } from '../../async/backoff.ts';
import { sleep } from '../../async/deadline.ts';
import { unpackAny } from './any.ts';
import type { ContainerdClient } from './client.ts';
import type { Envelope__Output } from './generated/containerd/services/events/v1/Envelope.ts';
import type { RuntimeLog } from './runtime-log.ts';
import { epochMsOf } from './timestamps.ts';

const RECONNECT = { minMs: 100, maxMs: 1000, factor: 2, jitter: 0.2 };

/** What containerd's events mean here. Handlers must not throw. */
export interface LinkHandlers {
  /** The stream is open: events are seen from now on, those before may have been missed. */
  readonly onConnected: () => void;
  readonly onDisconnected: () => void;
  readonly onExit: (containerId: string, exitStatus: number, exitedAt: number | undefined) => void;
  readonly onOom: (containerId: string) => void;
}

/**
 * One subscription to containerd's events, made again whenever it ends: a lost connection and a stream that
 * containerd ended are the same to it (containerd.md §13, CTD-77). There is no replay.
 *
 *   connecting ─stream open, ping answered─► connected ─stream ends─► (backoff) ─► connecting
 */
export class EventLink {
  readonly #client: ContainerdClient;
  readonly #handlers: LinkHandlers;
  readonly #log: RuntimeLog;
  readonly #stopping = new AbortController();
  #connected = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;

  constructor(client: ContainerdClient, handlers: LinkHandlers, log: RuntimeLog) {
    this.#client = client;
    this.#handlers = handlers;
    this.#log = log;
  }

  /** Begins; call once. */
  start(): void {
    this.#running = this.#run(this.#stopping.signal);
  }

  /** Ends the subscription for good. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the event link is stopped'));
    this.#connected.resolve();
    await this.#running;
  }

  /** Resolves while the stream is open, or when the link has been stopped. */
  whenConnected(): Promise<void> {
    return this.#connected.promise;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(RECONNECT);
    while (!signal.aborted) {
      try {
        await this.#follow(signal, backoff);
        this.#log.warn({}, 'containerd ended the event stream');
      } catch (error) {
        if (signal.aborted) return;
        this.#log.debug({ error }, 'no event stream from containerd');
      }
      await sleep(backoff.next(), signal).catch(() => undefined);
    }
  }

  async #follow(signal: AbortSignal, backoff: Backoff): Promise<void> {
    // A call of its own, so that a failed ping ends the stream with it.
    const call = new AbortController();
    const either = AbortSignal.any([signal, call.signal]);
    const filters = [`namespace==${JSON.stringify(this.#client.namespace)},topic~="^/tasks/(exit|oom)$"`];
    const events = this.#client.stream('events', 'Subscribe', { filters }, { signal: either });
    const first = events.next();
    first.catch(() => undefined);
    let connected = false;
    try {
      // The stream says nothing until the first event: an answer to a later call shows that it was taken.
      await Promise.race([
        this.#client.unary('version', 'Version', {}, { signal }),
        first.then((result) => {
          if (result.done === true) throw new Error('the event stream ended at once');
        }),
      ]);
      connected = true;
      backoff.reset();
      this.#connected.resolve();
      this.#handlers.onConnected();
      for (let next = await first; next.done !== true; next = await events.next()) this.#dispatch(next.value);
    } finally {
      call.abort(new Error('the event stream has ended'));
      if (connected) {
        this.#connected = Promise.withResolvers<void>();
        if (signal.aborted) this.#connected.resolve();
        this.#handlers.onDisconnected();
      }
    }
  }

  #dispatch({ event, topic }: Envelope__Output): void {
    const { api } = this.#client;
    if (topic === '/tasks/exit') {
      const exit = unpackAny(api, 'containerd.events.TaskExit', event);
      // An exec's exit carries the exec's id.
      if (exit !== undefined && exit.id === exit.containerId)
        this.#handlers.onExit(exit.containerId, exit.exitStatus, epochMsOf(exit.exitedAt));
    } else if (topic === '/tasks/oom') {
      const oom = unpackAny(api, 'containerd.events.TaskOOM', event);
      if (oom !== undefined) this.#handlers.onOom(oom.containerId);
    }
  }
}
