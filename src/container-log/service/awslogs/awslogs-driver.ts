import { Backoff, type BackoffOptions } from '../../../async/backoff.ts';
import { sleep } from '../../../async/deadline.ts';
import { record } from '../../log-config.ts';
import { INSTANCE_CREDENTIALS } from '../credentials-broker.ts';
import type { DriverContext, LogDriver } from '../driver.ts';
import { ALL_TAKEN, type Batch, type Destination, RemoteDriver, type SendResult } from '../remote-driver.ts';
import type { SendSlot } from '../send-slots.ts';
import { type AwslogsOptions, parseAwslogsOptions } from './awslogs-options.ts';
import { CloudWatchError, CloudWatchLogs } from './cloudwatch-logs.ts';
import { EventBatch } from './event-batch.ts';
import { MultilineSource } from './multiline-source.ts';

const BATCH_BYTES = 1024 * 1024;
/** Tries of each call while the container waits for its start, as the AWS SDKs make. */
const SET_UP_TRIES = 3;
const SET_UP_PAUSE_MS = 200;
/** Between tries, also to make the stream of a container that runs already (LOG-143). */
export const RETRY_WAITS: BackoffOptions = { minMs: 1_000, maxMs: 32_000, factor: 2, jitter: 0.1 };

/** Sets up the driver `awslogs` (logging.md §21). */
export async function openAwslogsDriver(context: DriverContext): Promise<LogDriver> {
  const options = parseAwslogsOptions(context.config.options);
  return await RemoteDriver.open(context, new CloudWatchStream(context, options), {
    setUpLater: context.config.mode === 'non-blocking',
  });
}

/** A stream of a group in CloudWatch Logs. */
class CloudWatchStream implements Destination {
  readonly batchBytes = BATCH_BYTES;
  readonly flushIntervalMs: number;
  readonly backoff = new Backoff(RETRY_WAITS);
  readonly source?: MultilineSource;
  readonly #options: AwslogsOptions;
  readonly #stream: string;
  readonly #client: CloudWatchLogs;
  readonly #head: Buffer;

  constructor(context: DriverContext, options: AwslogsOptions) {
    const { config, reader, credentials } = context;
    const region = options.region ?? config.region ?? '';
    if (region === '') throw new Error('cannot determine region for awslogs driver');
    this.#options = options;
    this.flushIntervalMs = options.flushIntervalMs;
    this.#stream = options.stream ?? config.tag ?? config.container.id;
    if (options.eventStart !== undefined)
      this.source = new MultilineSource(reader, options.eventStart, () => BigInt(Date.now()) * 1_000_000n);
    const credentialsId = options.credentialsId ?? INSTANCE_CREDENTIALS;
    this.#client = new CloudWatchLogs({
      region,
      ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
      headers: options.format === undefined ? {} : { 'x-amzn-logs-format': options.format },
      userAgent: config.userAgent ?? 'ecs-containerd-agent',
      connection: config.connection ?? {},
      credentials: (signal) => credentials.get(credentialsId, signal),
      onRefused: (refused) => credentials.invalidate(credentialsId, refused),
    });
    this.#head = Buffer.from(
      `{"logGroupName":${JSON.stringify(options.group)},"logStreamName":${JSON.stringify(this.#stream)},"logEvents":[`,
    );
  }

  /** The stream first, then the group where it is missing and may be made, then the stream again (LOG-57). */
  async setUp(signal: AbortSignal): Promise<void> {
    if (!this.#options.createStream) return;
    try {
      await this.#createStream(signal);
    } catch (error) {
      const isMissing = error instanceof CloudWatchError && error.code === 'ResourceNotFoundException';
      if (!isMissing || !this.#options.createGroup) throw failedTo('stream', error);
      await this.#create('CreateLogGroup', {}, signal).catch((failure: unknown) => {
        throw failedTo('group', failure);
      });
      await this.#createStream(signal).catch((failure: unknown) => {
        throw failedTo('stream', failure);
      });
    }
  }

  openBatch(slot: SendSlot): Batch {
    return new EventBatch(slot, this.#head, (body, events, signal) => this.#put(body, events, signal));
  }

  close(): void {
    this.#client.close();
  }

  async #put(body: Buffer, events: number, signal: AbortSignal): Promise<SendResult> {
    try {
      return rejectedOf(await this.#client.call('PutLogEvents', body, signal), events);
    } catch (error) {
      if (!(error instanceof CloudWatchError)) throw error;
      if (error.code === 'DataAlreadyAcceptedException') return ALL_TAKEN;
      if (error.isHopeless) return { rejected: events, reason: error.message };
      if (error.code === 'ResourceNotFoundException') await this.setUp(signal);
      throw error;
    }
  }

  async #createStream(signal: AbortSignal): Promise<void> {
    await this.#create('CreateLogStream', { logStreamName: this.#stream }, signal);
  }

  async #create(operation: string, more: object, signal: AbortSignal): Promise<void> {
    const body = Buffer.from(JSON.stringify({ logGroupName: this.#options.group, ...more }));
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#client.call(operation, body, signal);
        return;
      } catch (error) {
        if (error instanceof CloudWatchError && error.code === 'ResourceAlreadyExistsException') return;
        const final = error instanceof CloudWatchError && error.status < 500 && !isThrottling(error);
        if (final || attempt === SET_UP_TRIES) throw error;
        await sleep(SET_UP_PAUSE_MS * attempt, signal);
      }
    }
  }
}

function isThrottling({ code, status }: CloudWatchError): boolean {
  return status === 429 || code === 'ThrottlingException' || code === 'LimitExceededException';
}

function failedTo(what: 'stream' | 'group', error: unknown): Error {
  const why = error instanceof Error ? error.message : String(error);
  return new Error(`failed to create Cloudwatch log ${what}: ${why}`, { cause: error });
}

/** Events that are too new, too old or beyond the group's retention are refused for good (LOG-71). */
function rejectedOf(answer: Record<string, unknown>, events: number): SendResult {
  if (answer.rejectedLogEventsInfo === undefined || answer.rejectedLogEventsInfo === null) return ALL_TAKEN;
  const info = record(answer.rejectedLogEventsInfo, 'rejectedLogEventsInfo');
  const index = (name: string, none: number) => {
    const value = info[name];
    return typeof value === 'number' ? Math.min(Math.max(value, 0), events) : none;
  };
  const tooNew = events - index('tooNewLogEventStartIndex', events);
  const tooOld = Math.max(index('tooOldLogEventEndIndex', 0), index('expiredLogEventEndIndex', 0));
  return { rejected: Math.min(events, tooNew + tooOld), reason: JSON.stringify(info) };
}
