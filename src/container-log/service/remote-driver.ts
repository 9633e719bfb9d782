import type { Backoff } from '../../async/backoff.ts';
import { sleep } from '../../async/deadline.ts';
import type { DriverContext, LogDriver, PumpResult } from './driver.ts';
import type { LogMessage } from './log-message.ts';
import type { MessageSource } from './message-source.ts';
import type { SendSlot } from './send-slots.ts';
import type { SpoolPosition } from './spool-reader.ts';

/** Messages that are sent together. */
export interface Batch {
  /** Takes a message, copying it; false: it does not fit any more. An empty batch takes any message. */
  add(message: LogMessage): boolean;
  /** Whether another message might not fit. */
  readonly nearlyFull: boolean;
  /** Nothing is in it that could be sent: messages that a destination has no form for may still have been added. */
  readonly isEmpty: boolean;
  /**
   * Sends all of it. Resolves when it is safe at its destination, with what that took or refused for good. Rejects
   * when it may be tried again; nothing of it counts as sent then.
   */
  send(signal: AbortSignal): Promise<SendResult>;
}

export interface SendResult {
  /** Messages that will never be taken; they are dropped and counted. */
  readonly rejected: number;
  readonly reason?: string;
}

export const ALL_TAKEN: SendResult = { rejected: 0 };

/** Where a driver's messages go to. */
export interface Destination {
  /** Largest batch, bytes. */
  readonly batchBytes: number;
  /** So much waiting is sent at once, bytes; default: a batch. */
  readonly dueBytes?: number;
  /** What is fewer waits for more, this long at most; 0: it is sent at once. */
  readonly flushIntervalMs: number;
  /** Lines of the spool as the destination wants them; default: as they are. */
  readonly source?: TimedSource;
  /** Waits between tries. */
  readonly backoff: Backoff;
  /** Makes the destination ready; may run again. Before the first batch it has to have succeeded. */
  setUp(signal: AbortSignal): Promise<void>;
  /** An empty batch that is built in `slot`. */
  openBatch(slot: SendSlot): Batch;
  close(): void;
}

/** A source that holds messages back until others follow. */
export interface TimedSource extends MessageSource {
  /** Something is held back. */
  readonly isHolding: boolean;
  /** From now on `next` gives also what has been held back for this long, ms. */
  releaseAfter(ageMs: number): void;
}

interface FilledBatch {
  readonly batch: Batch;
  /** Messages, and of these: ends of lines, and parts of lines. */
  readonly messages: number;
  readonly lines: number;
  readonly parts: number;
  readonly bytes: number;
  /** Lines passed over because their beginning had been dropped. */
  readonly skipped: number;
  /** It is full: more messages may be there. */
  readonly whole: boolean;
}

const SET_UP_LIMIT_MS = 50_000;

/**
 * Delivers a spool to a destination in batches, in order, one at a time. The checkpoint follows each batch, so the
 * death of this process sends at most one batch twice; a batch that cannot be sent goes back into the spool while
 * it waits for its next try, so a destination that is away costs no memory.
 *
 *   gathering ─(enough, or the interval is over)─► sending ─► gathering
 *                                                  │  ▲
 *                                              failed  └─ after a pause, built anew from the spool
 */
export class RemoteDriver implements LogDriver {
  readonly #context: DriverContext;
  readonly #destination: Destination;
  readonly #source: MessageSource;
  readonly #abort = new AbortController();
  #isSetUp = false;
  #sending: Promise<void> | undefined;
  #flushTimer: NodeJS.Timeout | undefined;
  #flushDue = false;
  /** Both streams have ended: the rest is taken too. */
  #ending = false;
  #saved: SpoolPosition;
  #failing = false;

  /**
   * Rejects when the destination is not ready and the container has to know: in blocking mode, unless the container
   * was there before this process.
   */
  static async open(
    context: DriverContext,
    destination: Destination,
    options: { readonly setUpLater?: boolean } = {},
  ): Promise<LogDriver> {
    const driver = new RemoteDriver(context, destination);
    if (context.isTakenUp || options.setUpLater === true) return driver;
    try {
      await driver.#setUp(AbortSignal.timeout(SET_UP_LIMIT_MS));
      return driver;
    } catch (error) {
      destination.close();
      throw error;
    }
  }

  private constructor(context: DriverContext, destination: Destination) {
    this.#context = context;
    this.#destination = destination;
    this.#source = destination.source ?? context.reader;
    this.#saved = context.reader.position();
    this.#save(this.#saved);
  }

  pump(): PumpResult {
    if (this.#sending !== undefined) return 'waiting';
    if (!this.#isDue()) return 'idle';
    this.#start();
    return 'waiting';
  }

  hasUndelivered(): boolean {
    return this.#sending !== undefined || this.#source.backlogBytes > 0 || this.#isHolding;
  }

  async finish(signal: AbortSignal): Promise<void> {
    this.#ending = true;
    const stop = () => this.#abort.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    try {
      await this.#sending;
      this.#start();
      await this.#sending;
      signal.throwIfAborted();
      this.#save(this.#source.position(), true);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#flushTimer);
    this.#abort.abort(new Error('the log was closed'));
    await this.#sending;
    this.#destination.close();
  }

  get #isHolding(): boolean {
    return this.#destination.source?.isHolding === true;
  }

  get #dueBytes(): number {
    return this.#destination.dueBytes ?? this.#destination.batchBytes;
  }

  #isDue(): boolean {
    const { flushIntervalMs } = this.#destination;
    const backlog = this.#source.backlogBytes;
    if (this.#flushDue || backlog >= this.#dueBytes) return true;
    if (backlog === 0 && !this.#isHolding) return false;
    if (flushIntervalMs === 0) return true;
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined;
      this.#flushDue = true;
      this.#context.wake();
    }, flushIntervalMs);
    return false;
  }

  #start(): void {
    const flush = this.#flushDue || this.#ending;
    this.#flushDue = false;
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    if (flush && !this.#ending) this.#destination.source?.releaseAfter(this.#destination.flushIntervalMs);
    this.#sending = this.#sendAll(flush)
      .catch((error: unknown) => {
        if (!this.#abort.signal.aborted)
          this.#context.log.error('a log driver failed', error, this.#fields());
      })
      .finally(() => {
        this.#sending = undefined;
        if (!this.#ending) this.#context.wake();
      });
  }

  /** Sends batch after batch while they are full; with `flush` also the one that is not. */
  async #sendAll(flush: boolean): Promise<void> {
    const { signal } = this.#abort;
    const { batchBytes, backoff } = this.#destination;
    while (!signal.aborted) {
      const slot = this.#context.slots.take(batchBytes);
      let pauseMs = 0;
      try {
        if (!this.#isSetUp) await this.#setUp(signal);
        const filled = this.#fill(slot);
        if (filled.messages === 0 && this.#isHere()) return;
        const result = filled.batch.isEmpty ? ALL_TAKEN : await filled.batch.send(signal);
        this.#recover();
        this.#count(filled, result);
        this.#save(this.#source.position());
        if (!this.#goesOn(flush && filled.whole)) return;
      } catch (error) {
        this.#source.seek(this.#saved);
        if (signal.aborted) return;
        this.#tell(error);
        pauseMs = backoff.next();
      } finally {
        slot.release();
      }
      if (pauseMs > 0) await sleep(pauseMs, signal).catch(() => {});
    }
  }

  /** Whether the next batch does not wait for more lines. */
  #goesOn(moreToFlush: boolean): boolean {
    const { flushIntervalMs } = this.#destination;
    const isMuch = this.#source.backlogBytes >= this.#dueBytes;
    return this.#ending || flushIntervalMs === 0 || moreToFlush || isMuch;
  }

  /** Whether the place of the source is the one that is recorded. */
  #isHere(): boolean {
    const { segment, offset, frameByte } = this.#source.position();
    const saved = this.#saved;
    return segment === saved.segment && offset === saved.offset && frameByte === saved.frameByte;
  }

  #fill(slot: SendSlot): FilledBatch {
    const batch = this.#destination.openBatch(slot);
    const source = this.#source;
    const { reader } = this.#context;
    const skippedBefore = reader.skippedLines;
    const filled = { batch, messages: 0, lines: 0, parts: 0, bytes: 0, skipped: 0, whole: false };
    for (;;) {
      const before = batch.nearlyFull ? source.position() : undefined;
      filled.skipped = reader.skippedLines - skippedBefore;
      const message = source.next() ?? (this.#ending ? source.takeRest() : undefined);
      if (message === undefined) {
        filled.skipped = reader.skippedLines - skippedBefore;
        return filled;
      }
      if (!batch.add(message)) {
        if (before === undefined) throw new Error('a batch was full before it said so');
        source.seek(before);
        filled.whole = true;
        return filled;
      }
      filled.messages += 1;
      filled.bytes += message.bytes.length;
      if (message.partial !== undefined) filled.parts += 1;
      if (message.partial?.last !== false) filled.lines += 1;
    }
  }

  async #setUp(signal: AbortSignal): Promise<void> {
    await this.#destination.setUp(signal);
    this.#isSetUp = true;
    this.#destination.backoff.reset();
  }

  #count({ lines, parts, bytes, skipped }: FilledBatch, { rejected, reason }: SendResult): void {
    const { counters, log, config } = this.#context;
    counters.linesDelivered += lines - rejected;
    counters.bytesDelivered += bytes;
    counters.partialMessages += parts;
    if (skipped > 0) counters.drop(config.mode === 'blocking' ? 'disk' : 'ring', skipped, 0);
    if (rejected === 0) return;
    counters.drop('rejected', rejected, 0);
    log.warn('the destination of a log refused lines', { ...this.#fields(), rejected, reason });
  }

  #tell(error: unknown): void {
    this.#context.counters.retries += 1;
    if (this.#failing) return;
    this.#failing = true;
    const why = error instanceof Error ? error.message : String(error);
    this.#context.onTrouble(why);
  }

  #recover(): void {
    this.#destination.backoff.reset();
    if (this.#failing) this.#context.log.info('a log is delivered again', this.#fields());
    this.#failing = false;
  }

  #save(position: SpoolPosition, ended = false): void {
    const { log, spool, position: file } = this.#context;
    this.#saved = position;
    try {
      file.save({ position, ended, driver: {} });
      spool.releaseBefore(position.segment);
    } catch (error) {
      // The record before stays valid: after a crash more is sent again, and the spool is kept for that.
      log.error('position cannot be recorded', error, this.#fields());
    }
  }

  #fields(): { readonly container: string; readonly taskArn: string } {
    const { container, taskArn } = this.#context.config;
    return { container: container.id, taskArn };
  }
}
