import { createHash } from 'node:crypto';
import type { ImageConfig } from '../../image/images.ts';
import { choosePlatform, machinePlatform, parseImageConfig, parseManifest } from '../../image/manifest.ts';
import type { ContainerdClient } from './client.ts';
import { readBlob } from './images/content.ts';

const DOCUMENT_LIMIT_BYTES = 8 * 1024 * 1024;
const CACHE_SIZE = 64;

/** What a container is made from: the image's configuration and its unpacked top layer. */
export interface ImageRoot {
  readonly config: ImageConfig;
  /** Snapshot key of the top layer; empty for an image without layers. */
  readonly chainId: string;
}

/** Reads local images by name. Documents of a digest never change, so the last ones are kept. */
export class ImageRoots {
  readonly #client: ContainerdClient;
  readonly #byDigest = new Map<string, ImageRoot>();

  constructor(client: ContainerdClient) {
    this.#client = client;
  }

  /** Rejects with a ContainerdError NOT_FOUND when no local image has the name. */
  async read(name: string, signal: AbortSignal): Promise<ImageRoot> {
    const { image } = await this.#client.unary('images', 'Get', { name }, { signal });
    const digest = image?.target?.digest ?? '';
    const known = this.#byDigest.get(digest);
    if (known !== undefined) return known;
    const root = await this.#readDocuments(digest, image?.target?.mediaType ?? '', signal);
    const oldest = this.#byDigest.keys().next();
    if (this.#byDigest.size >= CACHE_SIZE && oldest.done !== true) this.#byDigest.delete(oldest.value);
    this.#byDigest.set(digest, root);
    return root;
  }

  async #readDocuments(digest: string, mediaType: string, signal: AbortSignal): Promise<ImageRoot> {
    const manifest = parseManifest(await this.#blob(digest, signal), mediaType);
    switch (manifest.kind) {
      case 'index': {
        const chosen = choosePlatform(manifest.manifests, machinePlatform());
        return await this.#readDocuments(chosen.digest, chosen.mediaType, signal);
      }
      case 'image': {
        const { config, diffIds } = parseImageConfig(await this.#blob(manifest.config.digest, signal));
        return { config, chainId: chainIdOf(diffIds) };
      }
      case 'schema1':
        throw new Error(`the image's manifest ${digest} is of schema 1, which is not supported`);
    }
  }

  async #blob(digest: string, signal: AbortSignal): Promise<Buffer> {
    const bytes = await readBlob(this.#client, digest, DOCUMENT_LIMIT_BYTES, { signal });
    if (bytes === undefined) throw new Error(`the image's document ${digest} is not in the content store`);
    return bytes;
  }
}

/** Snapshot key of a stack of layers (containerd.md §7, CTD-12). */
export function chainIdOf(diffIds: readonly string[]): string {
  return diffIds.reduce(
    (chain, diffId) =>
      chain === '' ? diffId : `sha256:${createHash('sha256').update(`${chain} ${diffId}`).digest('hex')}`,
    '',
  );
}
