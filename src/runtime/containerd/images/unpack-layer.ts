import { createHash, randomUUID } from 'node:crypto';
import type { Descriptor } from '../../../image/manifest.ts';
import type { AnswerOf } from '../api.ts';
import type { ContainerdClient } from '../client.ts';
import { hasCode } from '../containerd-error.ts';
import { prepareSnapshot } from '../snapshots.ts';
import { labelBlob } from './content.ts';

/** A layer's bytes are not what the image's configuration says. Never worth a retry. */
export class CorruptLayerError extends Error {
  override readonly name = 'CorruptLayerError';
}

interface Call {
  readonly signal: AbortSignal;
}

/** Where the snapshots of an image go. */
export interface UnpackPlace {
  readonly client: ContainerdClient;
  readonly snapshotter: string;
  readonly lease: string;
}

export interface LayerToUnpack {
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed layer. */
  readonly diffId: string;
  /** Name of the snapshot, see `chainIds`. */
  readonly chainId: string;
  /** Chain ID of the layer below; empty for the lowest. */
  readonly parent: string;
}

/** An extraction under way. */
export interface Extraction {
  readonly key: string;
  readonly mounts: NonNullable<AnswerOf<'snapshots', 'Prepare'>['mounts']>;
}

/** Names of the snapshots of an image's layers from the bottom (containerd.md §7). */
export function chainIds(diffIds: readonly string[]): readonly string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(
      below === undefined
        ? diffId
        : `sha256:${createHash('sha256').update(`${below} ${diffId}`).digest('hex')}`,
    );
  }
  return chain;
}

/** Label by which a snapshotter says that it provides the layer itself, without its bytes. */
const REMOTE_LABEL = 'containerd.io/snapshot/remote';
/** Begins the key of every extraction, for those who look for remains. */
export const EXTRACTION_PREFIX = 'extract-';
/** Decompression of a large layer takes long; the pull's own watch notices a standstill. */
const APPLY_MS = 2 * 3_600_000;
const CLEANUP_MS = 10_000;

/** `remote`: its snapshotter does without the layer's bytes. */
export type LayerSnapshot = 'absent' | 'local' | 'remote';

/** Whether the layer's snapshot is there, and whether its snapshotter does without the layer's bytes. */
export async function layerSnapshot(
  { client, snapshotter }: Pick<UnpackPlace, 'client' | 'snapshotter'>,
  chainId: string,
  call: Call,
): Promise<LayerSnapshot> {
  try {
    const { info } = await client.unary('snapshots', 'Stat', { snapshotter, key: chainId }, call);
    return info?.labels[REMOTE_LABEL] === undefined ? 'local' : 'remote';
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return 'absent';
    throw error;
  }
}

interface PrepareCall extends Call {
  /** What the snapshotter is told of the layer, beside its name. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/**
 * Begins the extraction of a layer; or says of what kind its snapshot is where the snapshotter has the layer from
 * elsewhere (CTD-83): neither bytes nor extraction are needed.
 */
export async function prepareLayer(
  place: UnpackPlace,
  layer: LayerToUnpack,
  { signal, labels: told, timeoutMs }: PrepareCall,
): Promise<Extraction | 'local' | 'remote'> {
  const { client, snapshotter, lease } = place;
  const key = `${EXTRACTION_PREFIX}${Date.now()}-${randomUUID()} ${layer.chainId}`;
  const labels = { 'containerd.io/snapshot.ref': layer.chainId, ...told };
  const deadline = timeoutMs === undefined ? {} : { timeoutMs };
  try {
    const request = { snapshotter, key, parent: layer.parent, labels };
    const { mounts } = await prepareSnapshot(client, request, { signal, lease, ...deadline });
    return { key, mounts: mounts ?? [] };
  } catch (error) {
    if (hasCode(error, 'ALREADY_EXISTS')) {
      const provided = await layerSnapshot(place, layer.chainId, { signal });
      if (provided !== 'absent') return provided;
    }
    // A call that was given up may have had its effect.
    if (signal.aborted || hasCode(error, 'DEADLINE_EXCEEDED')) await removeExtraction(place, key);
    throw error;
  }
}

/**
 * Unpacks a layer into a prepared extraction, as soon as its bytes are in the content store, and gives it its name.
 * Another unpack of the same layer may win: success. On failure the extraction is removed (CTD-54).
 */
export async function extractLayer(
  place: UnpackPlace,
  layer: LayerToUnpack,
  { key, mounts }: Extraction,
  arrival: Promise<void>,
  { signal }: Call,
): Promise<void> {
  const { client, snapshotter, lease } = place;
  const { digest, mediaType, size } = layer.descriptor;
  let committed = false;
  try {
    await arrival;
    const { applied } = await client.unary(
      'diff',
      'Apply',
      { diff: { mediaType, digest, size }, mounts },
      { signal, lease, timeoutMs: APPLY_MS },
    );
    if (applied?.digest !== layer.diffId) {
      throw new CorruptLayerError(
        `layer ${digest} unpacks to ${applied?.digest ?? 'nothing'}, but the image says ${layer.diffId}`,
      );
    }
    try {
      await client.unary('snapshots', 'Commit', { snapshotter, name: layer.chainId, key }, { signal, lease });
      committed = true;
    } catch (error) {
      if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
    }
  } finally {
    if (!committed) await removeExtraction(place, key);
  }
}

/** Notes beside a layer's bytes what they unpack to, which saves others from finding out (containerd.md §7). */
export async function noteDiffId(
  { client }: Pick<UnpackPlace, 'client'>,
  { descriptor, diffId }: LayerToUnpack,
  call: Call,
): Promise<void> {
  await labelBlob(client, descriptor.digest, { 'containerd.io/uncompressed': diffId }, call);
}

/** Bytes on disk of an extraction: grows while a layer is being unpacked. Undefined when it is gone. */
export async function extractionSize(
  { client, snapshotter }: UnpackPlace,
  key: string,
  call: Call,
): Promise<number | undefined> {
  try {
    return Number((await client.unary('snapshots', 'Usage', { snapshotter, key }, call)).size);
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** Removes an extraction under a deadline of its own, as the pull may have been aborted. Gone already: fine. */
export async function removeExtraction({ client, snapshotter }: UnpackPlace, key: string): Promise<void> {
  const signal = AbortSignal.timeout(CLEANUP_MS);
  try {
    await client.unary('snapshots', 'Remove', { snapshotter, key }, { signal });
  } catch {
    // The lease's end frees it: nothing else holds it.
  }
}
