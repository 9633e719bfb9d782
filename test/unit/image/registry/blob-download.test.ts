import { describe, expect, it } from 'vitest';
import { BlobDownload, CHUNK_BYTES } from '../../../../src/image/registry/blob-download.ts';
import { ShortBlobError } from '../../../../src/image/registry/blob-source.ts';
import { ChunkBuffers } from '../../../../src/image/registry/chunk-buffers.ts';
import type { BlobRange } from '../../../../src/image/registry/registry-client.ts';
import { RegistryError } from '../../../../src/image/registry/registry-error.ts';
import { TransferSlots } from '../../../../src/image/registry/transfer-slots.ts';

const SIZE = 5 * CHUNK_BYTES + 12_345;
const PIECE = 64 << 10;
const BLOB = Buffer.alloc(SIZE, Buffer.from(Uint8Array.from({ length: 251 }, (_, n) => n)));
const cut = () => new RegistryError({ host: 'h', repository: 'r', code: 'ECONNRESET', detail: 'cut' });

/** Knows how many are in use. */
class CountedBuffers extends ChunkBuffers {
  lent = 0;
  mostLent = 0;

  override take(): Buffer {
    this.lent += 1;
    this.mostLent = Math.max(this.mostLent, this.lent);
    return super.take();
  }

  override lose(): void {
    this.lent -= 1;
    super.lose();
  }
}

/** A server of BLOB, and a download from it. */
class World implements AsyncDisposable {
  readonly requests: BlobRange[] = [];
  readonly slots = new TransferSlots({ total: 3, perRegistry: 3 });
  readonly buffers = new CountedBuffers(CHUNK_BYTES);
  readonly download: BlobDownload;
  /** Whether the server minds the range of a request. */
  ranges: (request: number) => boolean = () => true;
  /** Bytes that have been sent. */
  sent = 0;
  open = 0;
  mostOpen = 0;
  /** After how many bytes the answer to a request is cut. */
  cutOf: (range: BlobRange, request: number) => number | undefined = () => undefined;

  constructor(size = SIZE) {
    const transfer = {
      buffers: this.buffers,
      open: async (range: BlobRange) => {
        this.requests.push(range);
        const partial = this.ranges(this.requests.length);
        const { offset, length = size - offset } = partial ? range : { offset: 0, length: size };
        const bytes = BLOB.subarray(offset, offset + length);
        const body = this.#body(bytes, this.cutOf(range, this.requests.length));
        return { offset, partial, body, discard: () => {} };
      },
      takeSlot: async (call: { readonly signal: AbortSignal }) => {
        const slot = await this.slots.take({ registry: 'h', owner: this, rank: 0 }, call);
        this.open += 1;
        this.mostOpen = Math.max(this.mostOpen, this.open);
        using stack = new DisposableStack();
        stack.use(slot);
        stack.defer(() => {
          this.open -= 1;
        });
        return stack.move();
      },
      onBytes: () => {},
    };
    this.download = new BlobDownload(size, transfer, { signal: AbortSignal.timeout(20_000) });
  }

  /** Reads from `offset` up to `end`, telling the store's progress at once or not at all. */
  async read(offset: number, { end = SIZE, safe = true } = {}): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let position = offset;
    for await (const piece of this.download.from(offset)) {
      pieces.push(Buffer.from(piece));
      position += piece.length;
      if (safe) this.download.safe(position);
      if (position >= end) break;
    }
    return Buffer.concat(pieces);
  }

  async *#body(bytes: Buffer, cutAfter = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += PIECE) {
      await new Promise(setImmediate);
      const piece = bytes.subarray(at, Math.min(at + PIECE, cutAfter));
      this.sent += piece.length;
      yield piece;
      if (at + PIECE >= cutAfter) throw cut();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.download[Symbol.asyncDispose]();
    expect(this.open).toBe(0);
    expect(this.buffers.lent).toBe(0);
  }
}

describe('a blob of several chunks', () => {
  it('comes over several connections, in order, and no more of them than there are slots', async () => {
    await using world = new World();
    expect((await world.read(0)).equals(BLOB)).toBe(true);
    expect(world.requests.map(({ offset }) => offset)).toEqual(
      [0, 1, 2, 3, 4, 5].map((n) => n * CHUNK_BYTES),
    );
    expect(world.mostOpen).toBe(3);
    expect(world.sent).toBe(SIZE);
  });

  it('is held in memory by no more chunks than there are slots, and one that is not safe yet (CTD-48)', async () => {
    await using world = new World();
    expect((await world.read(0)).equals(BLOB)).toBe(true);
    expect(world.buffers.mostLent).toBeLessThanOrEqual(4);
  });

  it('is asked for from where an earlier try stood', async () => {
    await using world = new World();
    const offset = CHUNK_BYTES + 5;
    expect((await world.read(offset)).equals(BLOB.subarray(offset))).toBe(true);
    expect(world.requests.slice(0, 2)).toEqual([
      { offset, length: CHUNK_BYTES - 5 },
      { offset: 2 * CHUNK_BYTES, length: CHUNK_BYTES },
    ]);
  });

  it('comes over one where the server gives no ranges', async () => {
    await using world = new World();
    world.ranges = () => false;
    expect((await world.read(10)).equals(BLOB.subarray(10))).toBe(true);
    expect(world.requests).toHaveLength(1);
  });

  it('comes over one from where a server that gave ranges ceases to', async () => {
    await using world = new World();
    world.ranges = (request) => request < 3;
    expect((await world.read(0)).equals(BLOB)).toBe(true);
  });

  it('goes on with a chunk that is cut, from where the cut was', async () => {
    await using world = new World();
    world.cutOf = ({ offset, length }) =>
      offset === CHUNK_BYTES && length === CHUNK_BYTES ? 1_000_000 : undefined;
    expect((await world.read(0)).equals(BLOB)).toBe(true);
    const rest = { offset: CHUNK_BYTES + 1_000_000, length: CHUNK_BYTES - 1_000_000 };
    expect(world.requests).toContainEqual(rest);
    expect(world.sent).toBe(SIZE);
  });

  it('fails with a chunk that gets nowhere, and another try fetches only what is missing', async () => {
    await using world = new World();
    let wait = true;
    world.cutOf = ({ offset }) =>
      wait && offset >= 2 * CHUNK_BYTES && offset < 3 * CHUNK_BYTES ? 1_000 : undefined;
    await expect(world.read(0)).rejects.toMatchObject({ code: 'ECONNRESET', retryable: true });
    wait = false;
    const offset = 2 * CHUNK_BYTES + 1_000;
    expect((await world.read(offset)).equals(BLOB.subarray(offset))).toBe(true);
    expect(world.sent).toBe(SIZE);
  });

  it('is read again from what is not safe, without a byte fetched twice', async () => {
    await using world = new World();
    await world.read(0, { end: 2 * CHUNK_BYTES, safe: false });
    expect((await world.read(1_000_000)).equals(BLOB.subarray(1_000_000))).toBe(true);
    expect(world.sent).toBe(SIZE);
  });

  it('begins afresh for a store that has lost what was safe', async () => {
    await using world = new World();
    await world.read(0, { end: 3 * CHUNK_BYTES });
    expect((await world.read(0)).equals(BLOB)).toBe(true);
  });

  it('is not fetched further than its window while nobody reads on', async () => {
    await using world = new World();
    const reading = world.download.from(0)[Symbol.asyncIterator]();
    await reading.next();
    for (let turn = 0; turn < 1_000; turn += 1) await new Promise(setImmediate);
    expect(world.sent).toBe(3 * CHUNK_BYTES);
    await reading.return?.();
  });

  it('gives back its slots when it is paused', async () => {
    await using world = new World();
    await world.read(0, { end: CHUNK_BYTES });
    expect(world.open).toBeGreaterThan(0);
    await world.download.pause();
    expect(world.open).toBe(0);
  });

  it('that ends early is short', async () => {
    const none = { offset: 0, partial: true, body: nothing(), discard: () => {} };
    const transfer = {
      buffers: new ChunkBuffers(CHUNK_BYTES),
      open: async () => none,
      takeSlot: async () => new DisposableStack(),
      onBytes: () => {},
    };
    await using download = new BlobDownload(SIZE, transfer, { signal: AbortSignal.timeout(5_000) });
    await expect(download.from(0)[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(ShortBlobError);
  });
});

it('asks for a small blob once, whole', async () => {
  const size = CHUNK_BYTES + 1;
  await using world = new World(size);
  expect((await world.read(0, { end: size })).equals(BLOB.subarray(0, size))).toBe(true);
  expect(world.requests).toEqual([{ offset: 0 }]);
});

async function* nothing(): AsyncGenerator<Buffer> {}
