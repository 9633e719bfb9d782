/** Bytes that grow at their end and are used again after `clear`. */
export class GrowingBuffer {
  bytes: Buffer;
  length = 0;

  constructor(initialBytes: number) {
    this.bytes = Buffer.allocUnsafe(initialBytes);
  }

  /** Makes room for so many more bytes. */
  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.length + more, 2 * this.bytes.length));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  append(more: Uint8Array): void {
    this.reserve(more.length);
    this.bytes.set(more, this.length);
    this.length += more.length;
  }

  appendText(more: string): void {
    this.reserve(3 * more.length);
    this.length += this.bytes.write(more, this.length);
  }

  /** What is in it, valid until it is changed. */
  content(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}

/** Room for one batch. */
export interface SendSlot {
  readonly buffer: GrowingBuffer;
  /** How much of a log goes into the batch, bytes; the first message goes in whatever its size. */
  readonly limitBytes: number;
  release(): void;
}

/** Batches of full size that are under way at one time, over all containers. */
const LARGE_SLOTS = 8;
const SMALL_BYTES = 64 * 1024;

/**
 * Bounds the memory of what is being sent: a few batches may be large, all others are small. Nobody waits for
 * another's destination (ARCHITECTURE.md: nothing of one task waits for another).
 */
export class SendSlots {
  readonly #free: GrowingBuffer[] = [];
  #taken = 0;

  take(wantedBytes: number): SendSlot {
    if (wantedBytes <= SMALL_BYTES || this.#taken >= LARGE_SLOTS)
      return {
        buffer: new GrowingBuffer(SMALL_BYTES / 8),
        limitBytes: Math.min(wantedBytes, SMALL_BYTES),
        release: () => {},
      };
    this.#taken += 1;
    const buffer = this.#free.pop() ?? new GrowingBuffer(2 * SMALL_BYTES);
    return {
      buffer,
      limitBytes: wantedBytes,
      release: () => {
        this.#taken -= 1;
        buffer.clear();
        this.#free.push(buffer);
      },
    };
  }
}
