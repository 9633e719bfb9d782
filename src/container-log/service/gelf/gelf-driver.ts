import { promisify } from 'node:util';
import { deflate, gzip } from 'node:zlib';
import { Backoff } from '../../../async/backoff.ts';
import type { DriverContext, LogDriver } from '../driver.ts';
import { EncodedBatch } from '../encoded-batch.ts';
import { type Batch, type Destination, RemoteDriver, type SendResult } from '../remote-driver.ts';
import type { SendSlot } from '../send-slots.ts';
import { StreamConnection } from '../stream-connection.ts';
import { UdpSender } from '../udp-sender.ts';
import { appendGelfMessage, gelfChunks, gelfTail } from './gelf-message.ts';
import { type GelfOptions, parseGelfOptions } from './gelf-options.ts';

const BATCH_BYTES = 256 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
const WRITE_TIMEOUT_MS = 30_000;
const NUL = '\0';
const compressors = { gzip: promisify(gzip), zlib: promisify(deflate) };

/** Sets up the driver `gelf` (logging.md §19). */
export async function openGelfDriver(context: DriverContext): Promise<LogDriver> {
  const options = parseGelfOptions(context.config.options);
  const tail = gelfTail(context.config);
  return await RemoteDriver.open(
    context,
    options.scheme === 'udp' ? new GelfDatagrams(options, tail) : new GelfStream(options, tail),
  );
}

class GelfDatagrams implements Destination {
  readonly batchBytes = BATCH_BYTES;
  readonly flushIntervalMs = 0;
  readonly backoff = new Backoff({ minMs: 100, maxMs: 10_000, factor: 2, jitter: 0.2 });
  readonly #options: GelfOptions;
  readonly #tail: string;
  readonly #udp: UdpSender;

  constructor(options: GelfOptions, tail: string) {
    this.#options = options;
    this.#tail = tail;
    this.#udp = new UdpSender(options.host, options.port);
  }

  async setUp(): Promise<void> {
    await this.#udp.ready();
  }

  openBatch(slot: SendSlot): Batch {
    return new EncodedBatch(slot, {
      encode: (message, out) => appendGelfMessage(message, out, this.#tail),
      send: (batch) => this.#send(batch),
    });
  }

  close(): void {
    this.#udp.close();
  }

  async #send(batch: EncodedBatch): Promise<SendResult> {
    let rejected = 0;
    for (let index = 0; index < batch.count; index++) {
      const chunks = gelfChunks(await this.#packed(batch.messageAt(index)));
      if (chunks === undefined) rejected += 1;
      for (const chunk of chunks ?? []) await this.#udp.send(chunk);
    }
    return { rejected, ...(rejected > 0 && { reason: 'a message takes more than 128 datagrams' }) };
  }

  async #packed(message: Buffer): Promise<Buffer> {
    const { compression, level } = this.#options;
    return compression === 'none' ? message : await compressors[compression](message, { level });
  }
}

class GelfStream implements Destination {
  readonly batchBytes = BATCH_BYTES;
  readonly flushIntervalMs = 0;
  readonly backoff: Backoff;
  readonly #tail: string;
  readonly #connection: StreamConnection;

  constructor(options: GelfOptions, tail: string) {
    this.#tail = tail;
    // Docker gives a message up after so many tries; here it stays in the spool.
    this.backoff = new Backoff({
      minMs: options.reconnectDelayMs,
      maxMs: options.reconnectDelayMs * options.maxReconnect,
      factor: 2,
      jitter: 0.2,
    });
    this.#connection = new StreamConnection(
      { kind: 'tcp', host: options.host, port: options.port },
      { connectTimeoutMs: CONNECT_TIMEOUT_MS, writeTimeoutMs: WRITE_TIMEOUT_MS },
    );
  }

  async setUp(signal: AbortSignal): Promise<void> {
    await this.#connection.ready(signal);
  }

  openBatch(slot: SendSlot): Batch {
    return new EncodedBatch(slot, {
      encode: (message, out) => {
        if (message.bytes.length === 0) return;
        appendGelfMessage(message, out, this.#tail);
        out.appendText(NUL);
      },
      send: async (batch, signal) => {
        await this.#connection.write(batch.content, signal);
        return undefined;
      },
    });
  }

  close(): void {
    this.#connection.close();
  }
}
