import {
  choosePlatform,
  type Descriptor,
  type Manifest,
  type Platform,
  parseManifest,
  UnsupportedImageError,
} from '../../../image/manifest.ts';
import { isDigest } from '../../../image/reference.ts';
import type { RegistryTarget } from '../../../image/registry/authorizer.ts';
import type { RegistryClient } from '../../../image/registry/registry-client.ts';
import { type RetryPolicy, retrying } from '../../../image/retry.ts';
import type { ContainerdClient } from '../client.ts';
import { type BlobStore, isRetryablePullError } from './blob-store.ts';
import { readBlob } from './content.ts';

type ImageManifest = Extract<Manifest, { readonly kind: 'image' }>;

/** A manifest or index with its bytes. */
export interface ManifestDocument {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** An index on the way to the image, and where in it the way goes on. */
export interface PassedIndex extends ManifestDocument {
  readonly chosen: Descriptor;
  readonly position: number;
}

/** The manifest for this machine, and the indexes through which it was found, the outermost first. */
export interface ResolvedManifest {
  readonly indexes: readonly PassedIndex[];
  readonly document: ManifestDocument;
  readonly manifest: ImageManifest;
}

export interface ManifestSource {
  readonly client: ContainerdClient;
  readonly registry: RegistryClient;
  readonly target: RegistryTarget;
  readonly blobs: BlobStore;
  readonly platform: Platform;
  readonly policy: RetryPolicy;
}

const MAX_MANIFEST_BYTES = 4 << 20;
/** An index may name an index, but nobody nests them deeper than this on purpose. */
const MAX_DEPTH = 4;

/**
 * Follows a tag or digest to the manifest of this machine (containerd.md §6). A document whose digest is known and
 * that the content store has is not asked for again. Throws `UnsupportedImageError` for schema 1, for images of
 * other platforms and for what is no image.
 */
export async function fetchManifest(
  source: ManifestSource,
  tagOrDigest: string,
  signal: AbortSignal,
): Promise<ResolvedManifest> {
  const indexes: PassedIndex[] = [];
  let wanted = tagOrDigest;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const { document, manifest } = await fetchDocument(source, wanted, signal);
    switch (manifest.kind) {
      case 'schema1':
        throw new UnsupportedImageError(
          'its manifest is of schema 1, a format that registries and runtimes gave up; push the image again with a current tool',
        );
      case 'image':
        return { indexes, document, manifest };
      case 'index': {
        const chosen = choosePlatform(manifest.manifests, source.platform);
        indexes.push({ ...document, chosen, position: manifest.manifests.indexOf(chosen) });
        wanted = chosen.digest;
      }
    }
  }
  throw new UnsupportedImageError(`its index names indexes ${MAX_DEPTH} levels deep`);
}

async function fetchDocument(
  { client, registry, target, blobs, policy }: ManifestSource,
  tagOrDigest: string,
  signal: AbortSignal,
): Promise<{ document: ManifestDocument; manifest: Manifest }> {
  if (isDigest(tagOrDigest)) {
    await blobs.hold('content', tagOrDigest, signal);
    const bytes = await readBlob(client, tagOrDigest, MAX_MANIFEST_BYTES, { signal });
    if (bytes !== undefined) return documentOf(bytes, tagOrDigest, '');
  }
  const fetched = await retrying(policy, isRetryablePullError, signal, () =>
    registry.manifest(target, tagOrDigest, { signal, onTrouble: policy.onRetry }),
  );
  return documentOf(fetched.bytes, fetched.digest, fetched.mediaType);
}

function documentOf(
  bytes: Buffer,
  digest: string,
  type: string,
): { document: ManifestDocument; manifest: Manifest } {
  const manifest = parseManifest(bytes, type);
  const mediaType = manifest.kind === 'schema1' ? type : manifest.mediaType;
  return { document: { digest, mediaType, bytes }, manifest };
}
