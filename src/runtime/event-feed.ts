import type { RuntimeEvent } from './runtime.ts';

/** More than this many unread events are worth less than one look at everything. */
const QUEUE_LIMIT = 10_000;

interface Subscriber {
  queue: RuntimeEvent[];
  wake: () => void;
}

/**
 * Hands runtime events to whoever reads them, in order. Every reader's first event is a `resync`, which comes
 * once the feed is live; a reader that falls too far behind loses its queue for another one.
 */
export class EventFeed {
  readonly #subscribers = new Set<Subscriber>();
  #live = false;

  publish(event: RuntimeEvent): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.queue.length >= QUEUE_LIMIT) subscriber.queue = [{ kind: 'resync' }];
      subscriber.queue.push(event);
      subscriber.wake();
    }
  }

  /** Events are seen from now on; some may have been missed before. */
  goLive(): void {
    this.#live = true;
    this.publish({ kind: 'resync' });
  }

  /** Events are missed from now on. */
  goDark(): void {
    this.#live = false;
  }

  /** Events from this call on, until the signal aborts. */
  subscribe(signal: AbortSignal): AsyncIterable<RuntimeEvent> {
    const subscriber: Subscriber = { queue: this.#live ? [{ kind: 'resync' }] : [], wake: () => undefined };
    this.#subscribers.add(subscriber);
    const end = (): void => {
      this.#subscribers.delete(subscriber);
      subscriber.wake();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    return this.#read(subscriber, signal, end);
  }

  async *#read(subscriber: Subscriber, signal: AbortSignal, end: () => void): AsyncGenerator<RuntimeEvent> {
    try {
      while (!signal.aborted) {
        const event = subscriber.queue.shift();
        if (event !== undefined) {
          yield event;
          continue;
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        subscriber.wake = resolve;
        await promise;
      }
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
  }
}
