import { lingering } from '../../../async/lingering.ts';
import { type BlobSource, ShortBlobError } from '../../../image/registry/blob-source.ts';
import type { ContainerdClient } from '../client.ts';
import { hasCode } from '../containerd-error.ts';
import type { ContentWrite } from '../content-write.ts';

/** Content goes to containerd in pieces of at most that many bytes (containerd.md §1), which end at multiples of it. */
const PIECE_BYTES = 1 << 20;
/** What a writer gets to end by itself once its pull has been given up; containerd keeps what a cut one wrote. */
const LAST_MS = 2_000;
/** Pieces sent and not yet answered: what is read of a blob and not safe is bounded by it (CTD-48). */
const WINDOW = 2;

/** containerd found that the bytes are not those of the digest. The ingest has been thrown away. */
export class DigestMismatchError extends Error {
  override readonly name = 'DigestMismatchError';
  /** Part of the bytes were of an earlier, cut transfer, which may be to blame: a fresh try is worth it. */
  readonly resumed: boolean;

  constructor(message: string, resumed: boolean, cause: unknown) {
    super(message, { cause });
    this.resumed = resumed;
  }
}

/** Another writer has the ingest of this blob open; it, or its bytes, may be had later. */
export class IngestLockedError extends Error {
  override readonly name = 'IngestLockedError';
}

export interface BlobToWrite {
  readonly ref: string;
  readonly digest: string;
  readonly size: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly lease: string;
  /** Asked at most once, and not at all when the store needs no bytes. What came before a failure is kept. */
  readonly source: BlobSource;
  /** Told the position in the blob that is safe in the store. */
  readonly onOffset: (offset: number) => void;
}

/**
 * Brings one blob into the content store (containerd.md §5). Goes on where an earlier ingest ended, and sends
 * nothing where another namespace has the bytes. Returns whether the blob was `written` now, with its labels, or
 * `present` before, without them.
 */
export async function writeBlob(
  client: ContainerdClient,
  blob: BlobToWrite,
  { signal }: { readonly signal: AbortSignal },
): Promise<'written' | 'present'> {
  const { ref, digest, size } = blob;
  signal.throwIfAborted();
  using writing = lingering(signal, LAST_MS);
  using call = client.writeContent({ signal: writing.signal, lease: blob.lease });
  let resumed = false;
  try {
    await call.send({ action: 'STAT', ref, total: size, expected: digest });
    const start = Number((await answer(call)).offset);
    resumed = start > 0;
    if (start > size)
      throw new DigestMismatchError(`the ingest of ${digest} is longer than the blob`, true, undefined);
    blob.onOffset(start);
    if (start < size) await sendBytes(call, blob, start);
    const labels = { ...blob.labels };
    await call.send({ action: 'COMMIT', total: size, offset: size, expected: digest, labels });
    while ((await answer(call)).action !== 'COMMIT');
    call.end();
    return 'written';
  } catch (error) {
    if (hasCode(error, 'ALREADY_EXISTS')) return 'present';
    // The other end of the stream holds the lock of the ingest, which nobody can take or remove before it is gone.
    await call.finish();
    signal.throwIfAborted();
    if (hasCode(error, 'UNAVAILABLE') && error.details.includes('locked')) {
      throw new IngestLockedError(`another writer holds ${ref}`, { cause: error });
    }
    const mismatch =
      hasCode(error, 'FAILED_PRECONDITION', 'OUT_OF_RANGE') || error instanceof DigestMismatchError;
    if (!mismatch) throw error;
    await abortIngest(client, ref);
    const why =
      error instanceof DigestMismatchError
        ? error.message
        : `the bytes do not match ${digest}: ${error.details}`;
    throw new DigestMismatchError(why, resumed, error);
  }
}

const CLEANUP_MS = 10_000;

/** Throws half-written bytes away, also when the pull itself has been aborted. Not there: fine. */
async function abortIngest(client: ContainerdClient, ref: string): Promise<void> {
  const signal = AbortSignal.timeout(CLEANUP_MS);
  try {
    await client.unary('content', 'Abort', { ref }, { signal });
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
  }
}

async function sendBytes(call: ContentWrite, blob: BlobToWrite, start: number): Promise<void> {
  const writer = new PieceWriter(call, blob, start);
  try {
    for await (const bytes of blob.source.from(start)) await writer.add(bytes);
  } catch (error) {
    // What came before the cut is kept, so that the next try gets further even on the worst of lines.
    await writer.finish().catch(() => undefined);
    throw error;
  }
  await writer.finish();
  if (writer.position < blob.size) {
    throw new ShortBlobError(
      `the registry sent ${writer.position} of the ${blob.size} bytes of ${blob.digest}`,
    );
  }
}

/**
 * Gathers bytes to pieces and sends them with few unanswered at a time. Answers are taken as they come, and pieces end
 * where chunks of a download do, so that none of these waits for the next in order to be safe.
 */
class PieceWriter {
  position: number;
  readonly #call: ContentWrite;
  readonly #blob: BlobToWrite;
  /** Settle one after the other, each with the answer to a piece. */
  #unanswered: Promise<void>[] = [];
  #answered = Promise.resolve();
  #pieces: Buffer[] = [];
  #gathered = 0;

  constructor(call: ContentWrite, blob: BlobToWrite, position: number) {
    this.#call = call;
    this.#blob = blob;
    this.position = position;
  }

  async add(chunk: Buffer): Promise<void> {
    const { digest, size } = this.#blob;
    if (this.position + this.#gathered + chunk.length > size) {
      throw new DigestMismatchError(
        `the registry sends more than the ${size} bytes of ${digest}`,
        false,
        undefined,
      );
    }
    for (let rest = chunk; rest.length > 0; ) {
      const room = PIECE_BYTES - ((this.position + this.#gathered) % PIECE_BYTES);
      const piece = rest.subarray(0, room);
      this.#pieces.push(piece);
      this.#gathered += piece.length;
      rest = rest.subarray(piece.length);
      if (piece.length === room) await this.#flush();
    }
  }

  /** Sends the rest and waits for all answers. */
  async finish(): Promise<void> {
    if (this.#gathered > 0) await this.#flush();
    await this.#answered;
  }

  async #flush(): Promise<void> {
    const offset = this.position;
    const end = offset + this.#gathered;
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#gathered = 0;
    this.position = end;
    await this.#call.write(offset, pieces);
    this.#answered = this.#answered.then(() => this.#acknowledge(end));
    // Thrown by whoever waits for it.
    this.#answered.catch(() => undefined);
    this.#unanswered.push(this.#answered);
    if (this.#unanswered.length > WINDOW) await this.#unanswered.shift();
  }

  async #acknowledge(expected: number): Promise<void> {
    const { offset } = await answer(this.#call);
    if (Number(offset) !== expected) {
      throw new DigestMismatchError(
        `containerd stands at ${offset} of the ingest, not at ${expected}`,
        true,
        undefined,
      );
    }
    this.#blob.onOffset(expected);
  }
}

async function answer(call: ContentWrite) {
  const message = await call.receive();
  if (message === undefined) throw new Error('containerd ended the content stream');
  return message;
}
