import { ShortBlobError } from './blob-source.ts';
import type { ChunkBuffers } from './chunk-buffers.ts';
import { freeAtOnce } from './free-at-once.ts';
import type { BlobRange, OpenBlob } from './registry-client.ts';
import { RegistryError } from './registry-error.ts';

/** So many bytes more make a cut line one that works: it is gone on with at once. */
export const PROGRESS_BYTES = 256 << 10;
/** Bytes are handed out in pieces of at most that many. */
const PIECE_BYTES = 1 << 20;
const NOTHING = Buffer.alloc(0);

/** How a blob is asked for. */
export interface BlobTransfer {
  /** Opens a range of the blob. Fails with a `RegistryError`, or the signal's reason. */
  open(range: BlobRange, call: { readonly signal: AbortSignal }): Promise<OpenBlob>;
  /** Where chunks are kept; of at least their size. */
  readonly buffers: ChunkBuffers;
  /** Waits for leave to transfer. */
  takeSlot(call: { readonly signal: AbortSignal }): Promise<Disposable>;
  /** Told of bytes as they arrive, in whatever order. */
  onBytes(): void;
}

/** What a chunk spans. */
export interface ChunkSpan {
  readonly from: number;
  readonly end: number;
}

/** The server sends the whole blob where a range was asked for. */
export class NoRangesError extends Error {
  override readonly name = 'NoRangesError';
  #whole: OpenBlob | undefined;

  constructor(whole: OpenBlob) {
    super('the server gives no ranges');
    this.#whole = whole;
  }

  /** The server's answer, not yet read; it is the caller's now, and nobody else's. */
  take(): OpenBlob | undefined {
    const whole = this.#whole;
    this.#whole = undefined;
    return whole;
  }
}

/**
 * The bytes of a blob from one position up to another, fetched into memory over one connection. The slot is held
 * until they have been read, so that slots bound the memory as well; they can be read again after that.
 */
export class BlobChunk implements AsyncDisposable {
  readonly from: number;
  readonly end: number;
  readonly #transfer: BlobTransfer;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  /** Taken when the bytes are about to come. */
  #buffer: Buffer | undefined;
  #filled = 0;
  #slot: Disposable | undefined;
  #failure: { readonly error: unknown } | undefined;
  #running: Promise<void> | undefined;
  #wakeReader = () => {};

  constructor({ from, end }: ChunkSpan, transfer: BlobTransfer, signal: AbortSignal) {
    this.from = from;
    this.end = end;
    this.#transfer = transfer;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    this.#start();
  }

  /** Tries again what failed, from where it was. No failure: no effect. */
  restart(): void {
    if (this.#failure !== undefined) this.#start();
  }

  /** The bytes from `position` on as they come. Throws what the transfer failed with. */
  async *read(position: number): AsyncGenerator<Buffer, void, void> {
    for (let at = position; at < this.end; ) {
      const until = Math.min(this.#filled, at - this.from + PIECE_BYTES);
      const piece = this.#buffer?.subarray(at - this.from, until) ?? NOTHING;
      at += piece.length;
      if (piece.length > 0) yield piece;
      else if (this.#failure !== undefined) throw this.#failure.error;
      else await new Promise<void>((resolve) => (this.#wakeReader = resolve));
    }
    this.#giveBackSlot();
  }

  /** Ends the transfer of a chunk whose bytes are safe: if they are all here, their memory is used again. */
  retire(): void {
    if (this.#buffer !== undefined && this.#filled === this.#length) {
      this.#transfer.buffers.giveBack(this.#buffer);
      this.#buffer = undefined;
    }
    void this[Symbol.asyncDispose]();
  }

  /** Ends the transfer. What has been read of the chunk stays as it is. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running !== undefined) this.#stop.abort(new Error('the chunk is not wanted any more'));
    await this.#running;
    const error = this.#failure?.error;
    if (error instanceof NoRangesError) error.take()?.discard();
    if (this.#buffer !== undefined) this.#transfer.buffers.lose();
    this.#buffer = undefined;
    this.#giveBackSlot();
  }

  get #length(): number {
    return this.end - this.from;
  }

  #giveBackSlot(): void {
    this.#slot?.[Symbol.dispose]();
    this.#slot = undefined;
  }

  #start(): void {
    const settle = (failure?: { readonly error: unknown }) => {
      this.#failure = failure;
      this.#running = undefined;
      this.#wakeReader();
    };
    this.#failure = undefined;
    this.#running = this.#fetch().then(
      () => settle(),
      (error: unknown) => settle({ error }),
    );
  }

  /** A cut that came with progress is gone on after at once; any other is for the whole blob to bear. */
  async #fetch(): Promise<void> {
    this.#slot ??= await this.#transfer.takeSlot({ signal: this.#signal });
    this.#buffer ??= this.#transfer.buffers.take();
    while (this.#filled < this.#length) {
      const before = this.#filled;
      try {
        await this.#request(this.#buffer);
      } catch (error) {
        const cut = error instanceof RegistryError && error.retryable;
        if (!cut || this.#filled - before < PROGRESS_BYTES) throw error;
      }
      if (this.#filled === before) throw new ShortBlobError(`the registry sent no byte from ${before} on`);
    }
  }

  async #request(buffer: Buffer): Promise<void> {
    const offset = this.from + this.#filled;
    const range = { offset, length: this.end - offset };
    const opened = await this.#transfer.open(range, { signal: this.#signal });
    if (!opened.partial) throw new NoRangesError(opened);
    for await (const bytes of opened.body) {
      const isMore = bytes.length > this.#length - this.#filled;
      const copied = bytes.copy(buffer, this.#filled, 0, this.#length - this.#filled);
      freeAtOnce(bytes);
      this.#filled += copied;
      this.#transfer.onBytes();
      this.#wakeReader();
      // A range is read to its end, which keeps its connection; what was not asked for is not.
      if (isMore) return;
    }
  }
}
