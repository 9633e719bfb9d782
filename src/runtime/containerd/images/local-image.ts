import type { ListedImage, LocalImage } from '../../../image/images.ts';
import {
  choosePlatform,
  type Manifest,
  type ParsedImageConfig,
  type Platform,
  UnsupportedImageError,
} from '../../../image/manifest.ts';
import type { ImageReference } from '../../../image/reference.ts';
import type { AnswerOf } from '../api.ts';
import type { ContainerdClient } from '../client.ts';
import { hasCode } from '../containerd-error.ts';
import { epochMsOf } from '../timestamps.ts';
import { blobInfo } from './content.ts';
import { PULLED_LABEL, snapshotLabel } from './gc-labels.ts';
import type { ImageDocuments } from './image-documents.ts';
import { chainIds, layerSnapshot } from './unpack-layer.ts';

type ImageManifest = Extract<Manifest, { readonly kind: 'image' }>;
type ImageRecord = NonNullable<AnswerOf<'images', 'Get'>['image']>;

export interface LocalImageStore {
  readonly client: ContainerdClient;
  readonly snapshotter: string;
  readonly platform: Platform;
  readonly documents: ImageDocuments;
}

const MAX_DEPTH = 4;

/** The image in the words of the port. Its size is that of the compressed layers and the configuration. */
export function localImageOf(
  name: string,
  digest: string,
  manifest: ImageManifest,
  { config }: ParsedImageConfig,
): LocalImage {
  const sizeBytes = manifest.layers.reduce((total, { size }) => total + size, manifest.config.size);
  return { name, digest, imageId: manifest.config.digest, sizeBytes, config };
}

/**
 * The image that a reference names, if it is whole for this machine and unpacked for the snapshotter, whoever
 * pulled it (CTD-57). A digest is also found under a tag of the same repository.
 */
export async function findLocalImage(
  store: LocalImageStore,
  reference: ImageReference,
  call: { readonly signal: AbortSignal },
): Promise<LocalImage | undefined> {
  for (const record of await candidates(store.client, reference, call)) {
    const image = await readyImage(store, record, call);
    if (image !== undefined) return image;
  }
  return undefined;
}

/**
 * All images of the namespace. Names of one image stand together; one that is not whole here, or for other
 * machines, is told with the digest of what its name stands for, and no size.
 */
export async function listLocalImages(
  store: LocalImageStore,
  call: { readonly signal: AbortSignal },
): Promise<readonly ListedImage[]> {
  const { images } = await store.client.unary('images', 'List', {}, call);
  const found = new Map<string, ListedImage>();
  for (const record of images ?? []) {
    const image = await readyImage(store, record, call);
    const imageId = image?.imageId ?? record.target?.digest ?? record.name;
    const createdAt = epochMsOf(record.createdAt) ?? 0;
    const pulled = record.labels[PULLED_LABEL] !== undefined;
    const other = found.get(imageId);
    found.set(imageId, {
      imageId,
      names: [...(other?.names ?? []), record.name],
      sizeBytes: image?.sizeBytes ?? 0,
      createdAt: Math.min(other?.createdAt ?? createdAt, createdAt),
      pulled: pulled && other?.pulled !== false,
    });
  }
  return [...found.values()];
}

async function candidates(
  client: ContainerdClient,
  reference: ImageReference,
  call: { readonly signal: AbortSignal },
): Promise<readonly ImageRecord[]> {
  try {
    const { image } = await client.unary('images', 'Get', { name: reference.canonical }, call);
    if (image !== null && image !== undefined) return [image];
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
  }
  if (reference.digest === undefined) return [];
  const filters = [`target.digest==${JSON.stringify(reference.digest)}`];
  const { images } = await client.unary('images', 'List', { filters }, call);
  const repository = `${reference.host}/${reference.repository}`;
  return (images ?? []).filter(
    ({ name }) => name.startsWith(`${repository}:`) || name.startsWith(`${repository}@`),
  );
}

async function readyImage(
  store: LocalImageStore,
  record: ImageRecord,
  call: { readonly signal: AbortSignal },
): Promise<LocalImage | undefined> {
  const { documents, platform } = store;
  const root = record.target?.digest ?? '';
  try {
    let digest = root;
    for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
      const mediaType = depth === 0 ? (record.target?.mediaType ?? '') : '';
      const manifest = await documents.manifest(digest, mediaType, call);
      if (manifest === undefined || manifest.kind === 'schema1') return undefined;
      if (manifest.kind === 'index') {
        digest = choosePlatform(manifest.manifests, platform).digest;
        continue;
      }
      const parsed = await documents.config(manifest.config.digest, call);
      if (parsed === undefined) return undefined;
      const top = chainIds(parsed.diffIds).at(-1);
      if (top !== undefined && !(await isUnpacked(store, manifest.config.digest, top, call)))
        return undefined;
      return localImageOf(record.name, root, manifest, parsed);
    }
    return undefined;
  } catch (error) {
    if (error instanceof UnsupportedImageError) return undefined;
    throw error;
  }
}

/** Whether the top snapshot is there, and held: without its label it may go at any moment, and a pull mends that. */
async function isUnpacked(
  { client, snapshotter }: LocalImageStore,
  configDigest: string,
  top: string,
  call: { readonly signal: AbortSignal },
): Promise<boolean> {
  const [info, layer] = await Promise.all([
    blobInfo(client, configDigest, call),
    layerSnapshot({ client, snapshotter }, top, call),
  ]);
  return info?.labels[snapshotLabel(snapshotter)] === top && layer !== 'absent';
}
