import { Backoff } from '../../../async/backoff.ts';
import { sleep } from '../../../async/deadline.ts';
import type { Descriptor } from '../../../image/manifest.ts';
import type { RegistryTarget } from '../../../image/registry/authorizer.ts';
import { type BlobTransfer, PROGRESS_BYTES } from '../../../image/registry/blob-chunk.ts';
import { BlobDownload } from '../../../image/registry/blob-download.ts';
import { type BlobSource, bytesAtHand, ShortBlobError } from '../../../image/registry/blob-source.ts';
import type { ChunkBuffers } from '../../../image/registry/chunk-buffers.ts';
import type { RegistryClient } from '../../../image/registry/registry-client.ts';
import { RegistryError } from '../../../image/registry/registry-error.ts';
import type { TransferSlots } from '../../../image/registry/transfer-slots.ts';
import { type RetryPolicy, retrying } from '../../../image/retry.ts';
import type { ContainerdClient } from '../client.ts';
import { hasCode } from '../containerd-error.ts';
import { blobInfo, ingestOffset, ingestRef, labelBlob } from './content.ts';
import { missingLabels, sourceLabel } from './gc-labels.ts';
import { type BlobToWrite, DigestMismatchError, IngestLockedError, writeBlob } from './write-blob.ts';

export interface BlobStoreOptions {
  readonly client: ContainerdClient;
  readonly registry: RegistryClient;
  readonly target: RegistryTarget;
  readonly lease: string;
  readonly policy: RetryPolicy;
  readonly slots: TransferSlots;
  readonly buffers: ChunkBuffers;
  /** Told after every step forward. */
  readonly onActivity: () => void;
}

/** For what is small and all else waits for. */
const NO_SLOT: Disposable = { [Symbol.dispose]: () => {} };

/** Whether the same step of a pull may succeed later. */
export function isRetryablePullError(error: unknown): boolean {
  if (error instanceof RegistryError) return error.retryable;
  if (error instanceof DigestMismatchError) return error.resumed;
  if (error instanceof ShortBlobError) return true;
  return hasCode(error, 'UNAVAILABLE', 'ABORTED', 'CANCELLED', 'INTERNAL', 'DEADLINE_EXCEEDED');
}

/** The blobs of one pull: what is there is held by the pull's lease, what is not is fetched or written under it. */
export class BlobStore {
  readonly #options: BlobStoreOptions;
  /** Blobs whose bytes are all in the store, but not yet committed: containerd is busy with them. */
  readonly #finishing = new Set<string>();
  /** Transfers that wait for their turn. */
  #queued = 0;
  /** Blobs whose fetch has begun. */
  #begun = 0;

  constructor(options: BlobStoreOptions) {
    this.#options = options;
  }

  /** Whether containerd is at work on a blob without telling how far it is, or other pulls have their turn. */
  get busy(): boolean {
    return this.#finishing.size > 0 || this.#queued > 0;
  }

  /** Keeps the collector from a blob or snapshot that is, or will be, there. Before looking for it, so that no gap is left. */
  async hold(type: 'content' | `snapshots/${string}`, id: string, signal: AbortSignal): Promise<void> {
    const { client, lease } = this.#options;
    await client.unary('leases', 'AddResource', { id: lease, resource: { id, type } }, { signal });
  }

  /**
   * Brings a blob of the registry into the store. `onOffset` is told how much of it is there. Those that are fetched
   * earlier get the connections first: the layers above one are of no use before it.
   */
  async fetch(
    kind: 'layer' | 'config',
    { digest, size }: Descriptor,
    signal: AbortSignal,
    onOffset: (offset: number) => void = () => {},
  ): Promise<void> {
    const { buffers, onActivity, policy, registry, target } = this.#options;
    const rank = this.#begun++;
    const transfer: BlobTransfer = {
      buffers,
      open: (range, call) =>
        registry.blob(target, { digest, size }, range, { ...call, onTrouble: policy.onRetry }),
      takeSlot: async (call) => (kind === 'layer' ? await this.#takeSlot(rank, call) : NO_SLOT),
      onBytes: onActivity,
    };
    await using download = new BlobDownload(size, transfer, { signal });
    await this.#ensure(kind, { digest, size }, {}, download, signal, onOffset);
  }

  /** Puts a document that is at hand into the store, with its labels. */
  async put(
    kind: 'manifest' | 'index',
    digest: string,
    bytes: Buffer,
    labels: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void> {
    const blob = { digest, size: bytes.length };
    await this.#ensure(kind, blob, labels, bytesAtHand(bytes), signal, () => {});
  }

  async #takeSlot(rank: number, call: { readonly signal: AbortSignal }): Promise<Disposable> {
    const { slots, target } = this.#options;
    this.#queued += 1;
    try {
      return await slots.take({ registry: target.host, owner: this, rank }, call);
    } finally {
      this.#queued -= 1;
    }
  }

  async #ensure(
    kind: 'layer' | 'config' | 'manifest' | 'index',
    { digest, size }: { readonly digest: string; readonly size: number },
    labels: Readonly<Record<string, string>>,
    source: BlobSource,
    signal: AbortSignal,
    onOffset: (offset: number) => void,
  ): Promise<void> {
    const { lease, policy, target, onActivity } = this.#options;
    let position = -1;
    const advance = (offset: number) => {
      if (offset === size) this.#finishing.add(digest);
      if (offset === position) return;
      position = offset;
      source.safe(offset);
      onActivity();
      onOffset(offset);
    };
    try {
      await retrying(policy, isRetryablePullError, signal, async ({ progressed }) => {
        await this.hold('content', digest, signal);
        if (await this.#complete(digest, labels, signal)) return;
        let start: number | undefined;
        const ref = ingestRef(kind, digest);
        const blob: BlobToWrite = {
          ref,
          digest,
          size,
          lease,
          source,
          labels: { ...labels, ...sourceLabel(target.host, target.repository) },
          onOffset: (offset) => {
            start ??= offset;
            if (offset - start >= PROGRESS_BYTES) progressed();
            advance(offset);
          },
        };
        if ((await this.#writeUnlocked(blob, signal, advance)) === 'written') return;
        if (!(await this.#complete(digest, labels, signal)))
          throw new ShortBlobError(`${digest} went away meanwhile`);
      });
      onActivity();
      onOffset(size);
    } finally {
      this.#finishing.delete(digest);
    }
  }

  /** Whether the blob is there; then with all its labels. */
  async #complete(
    digest: string,
    labels: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { client, target } = this.#options;
    const info = await blobInfo(client, digest, { signal });
    if (info === undefined) return false;
    const wanted = { ...labels, ...sourceLabel(target.host, target.repository, info.labels) };
    await labelBlob(client, digest, missingLabels(wanted, info.labels), { signal });
    return true;
  }

  /** Writes a blob as soon as no other writer has it open, and meanwhile tells how far that one is (CTD-51). */
  async #writeUnlocked(
    blob: BlobToWrite,
    signal: AbortSignal,
    advance: (offset: number) => void,
  ): Promise<'written' | 'present'> {
    const { client } = this.#options;
    const backoff = new Backoff({ minMs: 50, maxMs: 1_000, factor: 1.5, jitter: 0.2 });
    for (;;) {
      try {
        return await writeBlob(client, blob, { signal });
      } catch (error) {
        if (!(error instanceof IngestLockedError)) throw error;
        // The other writer may be waiting for the very slots that this one holds.
        await blob.source.pause();
        await sleep(backoff.next(), signal);
        const offset = await ingestOffset(client, blob.ref, { signal });
        if (offset !== undefined) advance(offset);
      }
    }
  }
}
