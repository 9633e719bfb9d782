import { Backoff } from '../../async/backoff.ts';
import { EncodedBatch, type EncodeMessage } from './encoded-batch.ts';
import type { Batch, Destination, SendResult } from './remote-driver.ts';
import type { SendSlot } from './send-slots.ts';
import { type StreamAddress, StreamConnection } from './stream-connection.ts';

/** Largest batch of the drivers that send at once what there is. */
export const BATCH_BYTES = 256 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
const WRITE_TIMEOUT_MS = 30_000;
const RETRY_WAITS = { minMs: 100, maxMs: 10_000, factor: 2, jitter: 0.2 };

/** Carries batches of encoded messages to a server that does not answer. */
export interface Transport {
  /** Makes it ready; may run again. */
  ready(signal: AbortSignal): Promise<void>;
  /** Resolves when the kernel has all of it; undefined: nothing was refused. */
  send(batch: EncodedBatch, signal: AbortSignal): Promise<SendResult | undefined>;
  close(): void;
}

/** One message after the other over a connection. */
export function streamTransport(address: StreamAddress): Transport {
  const connection = new StreamConnection(address, {
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    writeTimeoutMs: WRITE_TIMEOUT_MS,
  });
  return {
    ready: (signal) => connection.ready(signal),
    send: async (batch, signal) => {
      await connection.write(batch.content, signal);
      return undefined;
    },
    close: () => connection.close(),
  };
}

/** Something that takes a datagram at a time. */
export interface DatagramSender {
  ready(): void | Promise<void>;
  send(datagram: Buffer, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Each message as a datagram of its own. */
export function datagramTransport(sender: DatagramSender): Transport {
  return {
    ready: async () => await sender.ready(),
    send: async (batch, signal) => {
      for (let index = 0; index < batch.count; index++) await sender.send(batch.messageAt(index), signal);
      return undefined;
    },
    close: () => sender.close(),
  };
}

/** A destination that gets what there is at once, by a transport. */
export class TransportDestination implements Destination {
  readonly batchBytes = BATCH_BYTES;
  readonly flushIntervalMs = 0;
  readonly backoff: Backoff;
  readonly #transport: Transport;
  readonly #encode: EncodeMessage;

  constructor(transport: Transport, encode: EncodeMessage, options: { readonly backoff?: Backoff } = {}) {
    this.#transport = transport;
    this.#encode = encode;
    this.backoff = options.backoff ?? new Backoff(RETRY_WAITS);
  }

  async setUp(signal: AbortSignal): Promise<void> {
    await this.#transport.ready(signal);
  }

  openBatch(slot: SendSlot): Batch {
    return new EncodedBatch(slot, {
      encode: this.#encode,
      send: (batch, signal) => this.#transport.send(batch, signal),
    });
  }

  close(): void {
    this.#transport.close();
  }
}
