import type { LogMessage } from '../log-message.ts';
import type { TimedSource } from '../remote-driver.ts';
import type { SpoolPosition, SpoolReader } from '../spool-reader.ts';
import { MAX_EVENT_BYTES } from './event-batch.ts';

const LINE_FEED = Buffer.from('\n');

/** Lines that become one event. */
interface Event {
  /** Where its first line is. */
  readonly from: SpoolPosition;
  readonly stream: LogMessage['stream'];
  /** Of its first line, ns. */
  readonly time: bigint;
  readonly lines: Buffer[];
  bytes: number;
}

/**
 * Joins lines into events: one begins with a line that matches and ends before the next such line (logging.md §21.5).
 * Both streams share one event. A line feed follows each line; of a line in parts it follows the last.
 */
export class MultilineSource implements TimedSource {
  readonly #reader: SpoolReader;
  readonly #start: RegExp;
  readonly #now: () => bigint;
  #event: Event | undefined;
  #releaseAge: bigint | undefined;

  constructor(reader: SpoolReader, start: RegExp, now: () => bigint) {
    this.#reader = reader;
    this.#start = start;
    this.#now = now;
  }

  get backlogBytes(): number {
    return this.#reader.backlogBytes;
  }

  get isHolding(): boolean {
    return this.#event !== undefined;
  }

  releaseAfter(ageMs: number): void {
    this.#releaseAge = BigInt(ageMs) * 1_000_000n;
  }

  position(): SpoolPosition {
    return this.#event?.from ?? this.#reader.position();
  }

  seek(position: SpoolPosition): void {
    this.#event = undefined;
    this.#reader.seek(position);
  }

  next(): LogMessage | undefined {
    for (;;) {
      const from = this.#reader.position();
      const line = this.#reader.next();
      if (line === undefined) return this.#releaseAged();
      const before = this.#add(line, from);
      if (before !== undefined) return before;
    }
  }

  takeRest(): LogMessage | undefined {
    const from = this.#reader.position();
    const rest = this.#reader.takeRest();
    return rest === undefined ? this.#end() : (this.#add(rest, from) ?? this.takeRest());
  }

  /** Gives the event that ended before this line. */
  #add(line: LogMessage, from: SpoolPosition): LogMessage | undefined {
    const isPartLater = (line.partial?.ordinal ?? 1) > 1;
    const isLong = line.bytes.length >= MAX_EVENT_BYTES;
    const startsEvent = !isPartLater && this.#start.test(line.bytes.toString('utf8'));
    const fits = (this.#event?.bytes ?? 0) + line.bytes.length <= MAX_EVENT_BYTES;
    const before = startsEvent || !fits ? this.#end() : undefined;
    this.#event ??= { from, stream: line.stream, time: line.time, lines: [], bytes: 0 };
    this.#event.lines.push(Buffer.from(line.bytes));
    this.#event.bytes += line.bytes.length;
    if (!isLong && line.partial?.last !== false) {
      this.#event.lines.push(LINE_FEED);
      this.#event.bytes += 1;
    }
    return before;
  }

  #end(): LogMessage | undefined {
    const event = this.#event;
    this.#event = undefined;
    if (event === undefined) return undefined;
    return { stream: event.stream, time: event.time, bytes: Buffer.concat(event.lines) };
  }

  #releaseAged(): LogMessage | undefined {
    const age = this.#releaseAge;
    this.#releaseAge = undefined;
    if (age === undefined || this.#event === undefined) return undefined;
    const old = this.#now() - this.#event.time;
    return old >= age || old < 0n ? this.#end() : undefined;
  }
}
