import type { Backoff } from '../../../async/backoff.ts';
import { withDeadline } from '../../../async/deadline.ts';
import type { DriverContext, LogDriver } from '../driver.ts';
import { EncodedBatch } from '../encoded-batch.ts';
import { type Batch, type Destination, RemoteDriver } from '../remote-driver.ts';
import type { SendSlot } from '../send-slots.ts';
import { StreamConnection } from '../stream-connection.ts';
import { BATCH_BYTES } from '../transport.ts';
import { type FluentdOptions, parseFluentdOptions, retryWaits } from './fluentd-options.ts';
import { AckReader, ChunkIds, ForwardEncoder } from './forward-message.ts';

const CONNECT_TIMEOUT_MS = 3_000;
/** Where the options set no limit: a server that takes nothing for so long is asked anew. */
const STALLED_MS = 60_000;

/** Sets up the driver `fluentd` (logging.md §20): messages of the Forward protocol. */
export async function openFluentdDriver(context: DriverContext): Promise<LogDriver> {
  const options = parseFluentdOptions(context.config.options);
  return await RemoteDriver.open(context, new ForwardServer(context, options), { setUpLater: options.async });
}

class ForwardServer implements Destination {
  readonly batchBytes = BATCH_BYTES;
  readonly flushIntervalMs = 0;
  readonly backoff: Backoff;
  readonly #options: FluentdOptions;
  readonly #encoder: ForwardEncoder;
  readonly #connection: StreamConnection;
  /** Chunks that are being sent and were not acknowledged yet. */
  readonly #unacked = new Set<string>();
  readonly #chunkIds = new ChunkIds();
  #acks = new AckReader();
  #onAck = () => {};
  #failures = 0;

  constructor({ config }: DriverContext, options: FluentdOptions) {
    this.#options = options;
    this.backoff = retryWaits(options);
    this.#encoder = new ForwardEncoder(config, options.subSecond);
    this.#connection = new StreamConnection(options.address, {
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      writeTimeoutMs: options.writeTimeoutMs || STALLED_MS,
      onData: (data) => this.#receive(data),
    });
  }

  async setUp(signal: AbortSignal): Promise<void> {
    await this.#connection.ready(signal);
  }

  openBatch(slot: SendSlot): Batch {
    const chunks: string[] = [];
    return new EncodedBatch(slot, {
      encode: (message, out) => {
        const chunk = this.#options.requestAck ? this.#chunkIds.next(Date.now()) : undefined;
        if (chunk !== undefined) chunks.push(chunk);
        this.#encoder.append(message, out, chunk);
      },
      send: async (batch, signal) => {
        this.#renew();
        try {
          // Before the write: a server answers while it is still being sent to.
          for (const chunk of chunks) this.#unacked.add(chunk);
          await this.#connection.write(batch.content, signal);
          await this.#acknowledged(signal);
          this.#failures = 0;
        } catch (error) {
          this.#connection.drop();
          this.#acks = new AckReader();
          this.#failures += 1;
          if (signal.aborted || this.#failures <= this.#options.maxRetries) throw error;
          this.#failures = 0;
          return { rejected: batch.count, reason: 'fluentd-max-retries' };
        } finally {
          this.#unacked.clear();
        }
        return undefined;
      },
    });
  }

  close(): void {
    this.#connection.close();
  }

  /** Connects anew, to where the name leads now, when the connection has become old. */
  #renew(): void {
    const { reconnectIntervalMs } = this.#options;
    const since = this.#connection.openSince;
    if (reconnectIntervalMs > 0 && since !== undefined && performance.now() - since > reconnectIntervalMs)
      this.#connection.drop();
  }

  #receive(data: Buffer): void {
    try {
      for (const ack of this.#acks.push(data)) this.#unacked.delete(ack);
    } catch {
      this.#connection.drop();
    }
    this.#onAck();
  }

  /** Rejects when the server ends the connection or does not answer in time. */
  async #acknowledged(signal: AbortSignal): Promise<void> {
    if (this.#unacked.size === 0) return;
    const limitMs = this.#options.readTimeoutMs || STALLED_MS;
    await withDeadline('an acknowledgement of fluentd', limitMs, signal, async (inner) => {
      while (this.#unacked.size > 0) {
        inner.throwIfAborted();
        if (this.#connection.openSince === undefined) throw new Error('fluentd closed the connection');
        await new Promise<void>((resolve) => {
          this.#onAck = resolve;
          setTimeout(resolve, 50).unref();
        });
      }
    });
  }
}
