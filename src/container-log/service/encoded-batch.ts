import type { LogMessage } from './log-message.ts';
import { ALL_TAKEN, type Batch, type SendResult } from './remote-driver.ts';
import type { GrowingBuffer, SendSlot } from './send-slots.ts';

/** Puts a message behind what is in `out`; nothing when the destination has no form for it. */
export type EncodeMessage = (message: LogMessage, out: GrowingBuffer) => void;

/** Messages encoded one behind the other, and where each ends. */
export class EncodedBatch implements Batch {
  readonly #out: GrowingBuffer;
  readonly #limitBytes: number;
  readonly #maxMessages: number;
  readonly #encode: EncodeMessage;
  readonly #send: (batch: EncodedBatch, signal: AbortSignal) => Promise<SendResult | undefined>;
  readonly #ends: number[] = [];

  constructor(
    slot: SendSlot,
    options: {
      readonly maxMessages?: number;
      readonly encode: EncodeMessage;
      /** Undefined: all of it is taken. */
      readonly send: (batch: EncodedBatch, signal: AbortSignal) => Promise<SendResult | undefined>;
    },
  ) {
    this.#out = slot.buffer;
    this.#out.clear();
    this.#limitBytes = slot.limitBytes;
    this.#maxMessages = options.maxMessages ?? Number.POSITIVE_INFINITY;
    this.#encode = options.encode;
    this.#send = options.send;
  }

  get isEmpty(): boolean {
    return this.#ends.length === 0;
  }

  get nearlyFull(): boolean {
    return !this.isEmpty && (this.#out.length >= this.#limitBytes || this.#ends.length >= this.#maxMessages);
  }

  /** Messages that are in it. */
  get count(): number {
    return this.#ends.length;
  }

  /** All of it; valid until the batch has been sent. */
  get content(): Buffer {
    return this.#out.content();
  }

  /** One of its messages, as it was encoded. */
  messageAt(index: number): Buffer {
    return this.#out.bytes.subarray(index === 0 ? 0 : this.#ends[index - 1], this.#ends[index]);
  }

  add(message: LogMessage): boolean {
    if (this.nearlyFull) return false;
    const before = this.#out.length;
    this.#encode(message, this.#out);
    if (this.#out.length > before) this.#ends.push(this.#out.length);
    return true;
  }

  async send(signal: AbortSignal): Promise<SendResult> {
    return (await this.#send(this, signal)) ?? ALL_TAKEN;
  }
}
