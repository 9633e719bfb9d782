import { escapeJsonText, unfinishedUtf8, validUtf8 } from '../json-text.ts';
import type { LogMessage } from '../log-message.ts';
import type { Batch, SendResult } from '../remote-driver.ts';
import type { GrowingBuffer, SendSlot } from '../send-slots.ts';

/** Limits of PutLogEvents (logging.md §21.3). */
const EVENT_OVERHEAD_BYTES = 26;
const MAX_BATCH_BYTES = 1_048_576;
const MAX_BATCH_EVENTS = 10_000;
const MAX_SPAN_MS = 24 * 60 * 60 * 1000;
export const MAX_EVENT_BYTES = 262_144 - EVENT_OVERHEAD_BYTES;

/** Log events of one call, as JSON, within the limits of the service. */
export class EventBatch implements Batch {
  readonly #json: GrowingBuffer;
  readonly #limitBytes: number;
  readonly #send: (body: Buffer, events: number, signal: AbortSignal) => Promise<SendResult>;
  readonly #times: number[] = [];
  /** Where each event starts in the JSON. */
  readonly #starts: number[] = [];
  readonly #headLength: number;
  #bytes = 0;
  #oldest = Number.POSITIVE_INFINITY;
  #newest = Number.NEGATIVE_INFINITY;
  #isSorted = true;

  /** `head` is the JSON of the request up to the first event. */
  constructor(
    slot: SendSlot,
    head: Buffer,
    send: (body: Buffer, events: number, signal: AbortSignal) => Promise<SendResult>,
  ) {
    this.#json = slot.buffer;
    this.#limitBytes = Math.min(slot.limitBytes, MAX_BATCH_BYTES);
    this.#send = send;
    this.#json.clear();
    this.#json.append(head);
    this.#headLength = head.length;
  }

  get isEmpty(): boolean {
    return this.#times.length === 0;
  }

  get nearlyFull(): boolean {
    return true;
  }

  add(message: LogMessage): boolean {
    if (message.bytes.length === 0) return true;
    const text = validUtf8(message.bytes);
    const time = Number(message.time / 1_000_000n);
    const events = Math.ceil(text.length / MAX_EVENT_BYTES);
    if (!this.isEmpty && !this.#hasRoom(text.length + events * EVENT_OVERHEAD_BYTES, events, time))
      return false;
    for (let at = 0; at < text.length; ) {
      const piece = text.subarray(at, at + MAX_EVENT_BYTES);
      const whole = at + piece.length === text.length ? piece.length : piece.length - unfinishedUtf8(piece);
      this.#append(piece.subarray(0, whole), time);
      at += whole;
    }
    return true;
  }

  async send(signal: AbortSignal): Promise<SendResult> {
    if (!this.#isSorted) this.#sort();
    // In place of the last comma.
    this.#json.length -= 1;
    this.#json.appendText(']}');
    return await this.#send(this.#json.content(), this.#times.length, signal);
  }

  #hasRoom(bytes: number, events: number, time: number): boolean {
    return (
      this.#bytes + bytes <= this.#limitBytes &&
      this.#times.length + events <= MAX_BATCH_EVENTS &&
      Math.max(time, this.#newest) - Math.min(time, this.#oldest) <= MAX_SPAN_MS
    );
  }

  #append(text: Buffer, time: number): void {
    const json = this.#json;
    json.reserve(6 * text.length + 64);
    this.#starts.push(json.length);
    this.#times.push(time);
    let at = json.length;
    at += json.bytes.write(`{"timestamp":${time},"message":"`, at, 'latin1');
    at = escapeJsonText(text, json.bytes, at);
    at += json.bytes.write('"},', at, 'latin1');
    json.length = at;
    this.#bytes += text.length + EVENT_OVERHEAD_BYTES;
    this.#isSorted &&= time >= this.#newest;
    this.#oldest = Math.min(this.#oldest, time);
    this.#newest = Math.max(this.#newest, time);
  }

  /** By time; events of one time stay in their order (LOG-62, LOG-147). */
  #sort(): void {
    const all = Buffer.from(this.#json.content());
    const order = this.#times.map((_, index) => index);
    order.sort((a, b) => (this.#times[a] ?? 0) - (this.#times[b] ?? 0) || a - b);
    this.#json.length = this.#headLength;
    for (const index of order) this.#json.append(all.subarray(this.#starts[index], this.#starts[index + 1]));
  }
}
