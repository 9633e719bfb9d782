import { BlobChunk, type BlobTransfer, NoRangesError } from './blob-chunk.ts';
import type { BlobSource } from './blob-source.ts';
import { freeAtOnce } from './free-at-once.ts';
import type { OpenBlob } from './registry-client.ts';

/** Bytes of one request of a layer that comes in chunks. With the slots it bounds the memory of pulls (CTD-48). */
export const CHUNK_BYTES = 4 << 20;
/** Chunks of one blob that are fetched, or wait to be read, at a time. */
const WINDOW = 8;

/**
 * A blob on its way from a registry: over several connections at once where it is large and the server gives
 * ranges, else over one. The bytes are handed out in order all the same; no byte is fetched twice as long as the
 * store goes on where it stood, since a chunk is kept until its bytes are safe there. A reader that takes its time
 * holds up the registry, by the window of chunks.
 */
export class BlobDownload implements BlobSource, AsyncDisposable {
  readonly #size: number;
  readonly #transfer: BlobTransfer;
  readonly #signal: AbortSignal;
  /** One behind the other; the first may have been read, and is not safe yet. */
  #chunks: BlobChunk[] = [];
  #rangesGiven: boolean | undefined;
  /** What has been read of an answer without chunks and is not safe yet, and where it ends in the blob. */
  #loose: { readonly bytes: Buffer; readonly end: number }[] = [];

  constructor(size: number, transfer: BlobTransfer, { signal }: { readonly signal: AbortSignal }) {
    this.#size = size;
    this.#transfer = transfer;
    this.#signal = signal;
  }

  async *from(offset: number): AsyncGenerator<Buffer, void, void> {
    let position = offset;
    await this.#dropUnlessHeld(offset);
    for (const chunk of this.#chunks) chunk.restart();
    // More connections pay for their round trips only where there is enough to fetch.
    const left = this.#size - offset;
    const inChunks = this.#rangesGiven !== false && (this.#chunks.length > 0 || left > 2 * CHUNK_BYTES);
    if (!inChunks) return yield* this.#whole(position);
    try {
      for await (const bytes of this.#inOrder(offset)) {
        position += bytes.length;
        yield bytes;
      }
    } catch (error) {
      if (!(error instanceof NoRangesError)) throw error;
      this.#rangesGiven = false;
      const answer = error.take();
      await this.pause();
      yield* this.#whole(position, answer);
    }
  }

  safe(offset: number): void {
    for (let [first] = this.#chunks; first !== undefined && first.end <= offset; [first] = this.#chunks) {
      this.#chunks.shift();
      first.retire();
    }
    for (let [first] = this.#loose; first !== undefined && first.end <= offset; [first] = this.#loose) {
      this.#loose.shift();
      freeAtOnce(first.bytes);
    }
  }

  async pause(): Promise<void> {
    this.#loose = [];
    await Promise.all(this.#chunks.splice(0).map((chunk) => chunk[Symbol.asyncDispose]()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.pause();
  }

  /** What is held is of no use to a store that stands before or behind it. */
  async #dropUnlessHeld(offset: number): Promise<void> {
    this.safe(offset);
    const [first] = this.#chunks;
    if (first !== undefined && first.from > offset) await this.pause();
  }

  async *#inOrder(offset: number): AsyncGenerator<Buffer, void, void> {
    for (let position = offset; position < this.#size; ) {
      this.#fillWindow(position);
      const chunk = this.#chunks.find(({ end }) => end > position);
      if (chunk === undefined) throw new Error('a window without its first chunk');
      for await (const bytes of chunk.read(position)) {
        // The first bytes of all prove that the server gives ranges.
        this.#rangesGiven = true;
        this.#fillWindow(position);
        position += bytes.length;
        yield bytes;
      }
    }
  }

  #fillWindow(position: number): void {
    const most = this.#rangesGiven === true ? WINDOW : 1;
    let from = Math.max(position, this.#chunks.at(-1)?.end ?? 0);
    let unread = this.#chunks.filter(({ end }) => end > position).length;
    for (; unread < most && from < this.#size; unread += 1) {
      // At whole multiples, so that what another try begins is the same.
      const end = Math.min(from - (from % CHUNK_BYTES) + CHUNK_BYTES, this.#size);
      this.#chunks.push(new BlobChunk({ from, end }, this.#transfer, this.#signal));
      from = end;
    }
  }

  /** All over one connection, which the reader holds up while it does not read. */
  async *#whole(position: number, answer?: OpenBlob): AsyncGenerator<Buffer, void, void> {
    using _slot = await this.#transfer.takeSlot({ signal: this.#signal });
    const { offset, body } =
      answer ?? (await this.#transfer.open({ offset: position }, { signal: this.#signal }));
    this.#loose = [];
    let end = offset;
    for await (const bytes of body) {
      this.#transfer.onBytes();
      end += bytes.length;
      this.#loose.push({ bytes, end });
      if (end > position) yield bytes.subarray(Math.max(position - end + bytes.length, 0));
      else this.safe(end);
    }
  }
}
