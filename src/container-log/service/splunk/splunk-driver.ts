import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Backoff } from '../../../async/backoff.ts';
import type { DriverContext, LogDriver } from '../driver.ts';
import { EncodedBatch } from '../encoded-batch.ts';
import { HttpClient } from '../http-client.ts';
import { type Batch, type Destination, RemoteDriver, type SendResult } from '../remote-driver.ts';
import type { SendSlot } from '../send-slots.ts';
import { SplunkEncoder } from './splunk-event.ts';
import { parseSplunkOptions, type SplunkOptions } from './splunk-options.ts';

const BATCH_BYTES = 1024 * 1024;
const BATCH_MESSAGES = 1000;
/** About as much as a batch of usual lines. */
const DUE_BYTES = 64 * 1024;
const FLUSH_INTERVAL_MS = 5_000;
const TIMEOUT_MS = 30_000;
const ERROR_BYTES = 1024;
const EVENT_PATH = '/services/collector/event/1.0';
/** The same body is refused whenever it is sent. */
const HOPELESS: ReadonlySet<number> = new Set([400, 413]);
const compress = promisify(gzip);

/** Sets up the driver `splunk` (logging.md §22). */
export async function openSplunkDriver(context: DriverContext): Promise<LogDriver> {
  const options = parseSplunkOptions(context.config.options);
  return await RemoteDriver.open(context, new EventCollector(context, options));
}

class EventCollector implements Destination {
  readonly batchBytes = BATCH_BYTES;
  readonly dueBytes = DUE_BYTES;
  readonly flushIntervalMs = FLUSH_INTERVAL_MS;
  readonly backoff = new Backoff({ minMs: 500, maxMs: 30_000, factor: 2, jitter: 0.2 });
  readonly #options: SplunkOptions;
  readonly #encoder: SplunkEncoder;
  readonly #http: HttpClient;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ config }: DriverContext, options: SplunkOptions) {
    this.#options = options;
    this.#encoder = new SplunkEncoder(config, options);
    const { caFile, caName, skipVerify } = options;
    this.#http = new HttpClient(options.url, config.connection ?? {}, {
      timeoutMs: TIMEOUT_MS,
      tls: {
        ...(caFile !== undefined && { ca: readFileSync(caFile, 'utf8') }),
        ...(caName !== undefined && { servername: caName }),
        ...(skipVerify && { rejectUnauthorized: false }),
      },
    });
    this.#headers = {
      authorization: `Splunk ${options.token}`,
      'user-agent': config.userAgent ?? 'ecs-containerd-agent',
      ...(options.indexAcknowledgment && { 'x-splunk-request-channel': randomUUID() }),
    };
  }

  async setUp(signal: AbortSignal): Promise<void> {
    if (!this.#options.verifyConnection) return;
    const { url } = this.#options;
    const answer = await this.#http.send('OPTIONS', new URL(EVENT_PATH, url), {}, Buffer.alloc(0), signal);
    if (answer.status !== 200)
      throw new Error(
        `splunk: failed to verify connection - ${answer.status} - ${answer.body.slice(0, ERROR_BYTES)}`,
      );
  }

  openBatch(slot: SendSlot): Batch {
    return new EncodedBatch(slot, {
      maxMessages: BATCH_MESSAGES,
      encode: (message, out) => this.#encoder.append(message, out),
      send: (batch, signal) => this.#post(batch, signal),
    });
  }

  close(): void {
    this.#http.close();
  }

  async #post(batch: EncodedBatch, signal: AbortSignal): Promise<SendResult> {
    const { gzipLevel, url } = this.#options;
    const body =
      gzipLevel === undefined ? batch.content : await compress(batch.content, { level: gzipLevel });
    const headers = {
      ...this.#headers,
      'content-type': 'application/json',
      ...(gzipLevel !== undefined && { 'content-encoding': 'gzip' }),
    };
    const answer = await this.#http.send('POST', new URL(EVENT_PATH, url), headers, body, signal);
    if (answer.status === 200) return { rejected: 0 };
    const why = `splunk: failed to send event - ${answer.status} - ${answer.body.slice(0, ERROR_BYTES)}`;
    if (HOPELESS.has(answer.status)) return { rejected: batch.count, reason: why };
    throw new Error(why);
  }
}
