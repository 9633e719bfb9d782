import type { LocalImage } from '../../../image/images.ts';
import {
  type Descriptor,
  type ParsedImageConfig,
  parseImageConfig,
  UnsupportedImageError,
} from '../../../image/manifest.ts';
import type { PullProgressMeter } from '../../../image/pull-progress.ts';
import { retrying } from '../../../image/retry.ts';
import { hasCode } from '../containerd-error.ts';
import { isRetryablePullError } from './blob-store.ts';
import { blobInfo, gzipUnpackedSize, labelBlob, readBlob } from './content.ts';
import type { DiskRoom, RoomPromise, RoomRequest } from './disk-room.ts';
import {
  fetchManifest,
  type ManifestDocument,
  type ManifestSource,
  type ResolvedManifest,
} from './fetch-manifest.ts';
import { indexLabels, manifestLabels, PULLED_LABEL, snapshotLabel } from './gc-labels.ts';
import { LayerFetches } from './layer-fetches.ts';
import type { LazyPull } from './lazy-pull.ts';
import { localImageOf } from './local-image.ts';
import {
  chainIds,
  extractionSize,
  extractLayer,
  type LayerSnapshot,
  type LayerToUnpack,
  layerSnapshot,
  noteDiffId,
  prepareLayer,
  type UnpackPlace,
} from './unpack-layer.ts';

export interface ImagePullOptions extends ManifestSource {
  readonly snapshotter: string;
  readonly lease: string;
  /** Name under which the image is stored. */
  readonly name: string;
  readonly tagOrDigest: string;
  readonly progress: PullProgressMeter;
  readonly onActivity: () => void;
  readonly room: DiskRoom;
  /** Whether layers may be left at the registry. */
  readonly mayBeLazy: boolean;
  readonly makeRoom?: RoomRequest['makeRoom'];
}

/** Where the bytes of layers come from. */
interface LayerSource {
  readonly fetches: LayerFetches;
  /** Digests of layers that the snapshotter has from elsewhere. */
  readonly provided: Set<string>;
  /** Begins to fetch all others, once there is room for them. Again: no effect. */
  readonly begin: () => Promise<void>;
  /** Which layer comes then. */
  readonly next: LayerToUnpack | undefined;
}

export const MAX_CONFIG_BYTES = 8 << 20;

/**
 * One pull under one lease (containerd.md §6 and §7): manifest, configuration, then layers, each unpacked as soon
 * as it and all below it are here; labels and name last, so that an image that has its name is whole.
 */
export class ImagePull {
  readonly #options: ImagePullOptions;
  readonly #place: UnpackPlace;
  #lazy: LazyPull | undefined;
  #extraction: string | undefined;
  #extractionSize = 0;
  #promised: RoomPromise | undefined;
  /** What was asked of layers ahead of their turn. */
  readonly #looks = new Map<LayerToUnpack, Promise<LayerSnapshot>>();
  /** Notes on layers that are unpacked, on their way. */
  readonly #notes: Promise<void>[] = [];

  constructor(options: ImagePullOptions) {
    this.#options = options;
    this.#place = { client: options.client, snapshotter: options.snapshotter, lease: options.lease };
  }

  /** Does it all. Throws RegistryError, ContainerdError, UnsupportedImageError …, or the signal's reason. */
  async run(signal: AbortSignal): Promise<LocalImage> {
    const { blobs, name, onActivity, progress, tagOrDigest } = this.#options;
    const resolved = await fetchManifest(this.#options, tagOrDigest, signal);
    onActivity();
    const { config, layers } = resolved.manifest;
    if (config.size > MAX_CONFIG_BYTES) {
      throw new UnsupportedImageError(
        `its configuration has ${config.size} bytes, more than ${MAX_CONFIG_BYTES}`,
      );
    }
    await blobs.fetch('config', config, signal);
    const parsed = await this.#readConfig(config.digest, signal);
    if (parsed.diffIds.length !== layers.length) {
      throw new UnsupportedImageError(
        `its manifest has ${layers.length} layers and its configuration ${parsed.diffIds.length}`,
      );
    }
    progress.begin(layers);
    const lazy = await this.#beginLazily(resolved);
    await this.#bringLayers(resolved, parsed, signal);
    const root = await this.#store(resolved, parsed, signal);
    progress.end();
    const image = localImageOf(name, root.digest, resolved.manifest, parsed);
    return { ...image, ...(lazy?.laziness !== undefined && { laziness: lazy.laziness }) };
  }

  /** Whether containerd has got further with work that says nothing by itself since this was last asked. */
  async stillMoving(): Promise<boolean> {
    if (this.#options.blobs.busy || this.#lazy?.busy === true) return true;
    if (this.#extraction === undefined) return false;
    const before = this.#extractionSize;
    const call = { signal: AbortSignal.timeout(30_000) };
    this.#extractionSize = (await extractionSize(this.#place, this.#extraction, call)) ?? before;
    return this.#extractionSize !== before;
  }

  async #beginLazily(resolved: ResolvedManifest): Promise<LazyPull | undefined> {
    const { mayBeLazy, name, registry, target } = this.#options;
    if (!mayBeLazy) return undefined;
    const { LazyPull } = await import('./lazy-pull.ts');
    this.#lazy = new LazyPull({
      ...{ name, registry, resolved, target, place: this.#place },
      onRefusal: () => {
        // There is more to fetch than it was made for.
        this.#promised?.[Symbol.dispose]();
        this.#promised = undefined;
      },
    });
    return this.#lazy;
  }

  async #readConfig(digest: string, signal: AbortSignal): Promise<ParsedImageConfig> {
    const bytes = await readBlob(this.#options.client, digest, MAX_CONFIG_BYTES, { signal });
    if (bytes === undefined)
      throw new Error(`the configuration ${digest} is not in the content store any more`);
    return parseImageConfig(bytes);
  }

  async #bringLayers(
    { manifest }: ResolvedManifest,
    parsed: ParsedImageConfig,
    parent: AbortSignal,
  ): Promise<void> {
    const { progress } = this.#options;
    const failure = new AbortController();
    const signal = AbortSignal.any([parent, failure.signal]);
    const fetches = new LayerFetches(
      manifest.layers,
      (layer) => this.#fetchLayer(layer, signal),
      (error) => failure.abort(error),
    );
    try {
      const provided = new Set<string>();
      const layers = layersToUnpack(manifest.layers, parsed.diffIds);
      for (const [index, layer] of layers.entries()) {
        const begin = async () => {
          const without = provided.union(this.#lazy?.expected ?? new Set<string>());
          await this.#takeRoom(layers, index, without, signal);
          fetches.start(without);
        };
        await this.#unpack(layer, { fetches, provided, begin, next: layers[index + 1] }, signal);
        progress.lazily(this.#lazy?.laziness);
        progress.unpacked();
        if (!provided.has(layer.descriptor.digest)) this.#promised?.unpacked(layer.descriptor.size);
      }
      // Layers of an image that was unpacked before, and whose bytes somebody has removed since.
      await this.#takeRoom(layers, layers.length, provided, signal);
      fetches.start(provided);
      await Promise.all(this.#notes);
    } catch (error) {
      failure.abort(error);
      throw error;
    } finally {
      await fetches.settled();
      this.#promised?.[Symbol.dispose]();
    }
    signal.throwIfAborted();
  }

  async #fetchLayer(layer: Descriptor, signal: AbortSignal): Promise<void> {
    let counted = 0;
    await this.#options.blobs.fetch('layer', layer, signal, (offset) => {
      this.#options.progress.bytes(layer.digest, offset);
      this.#promised?.fetched(Math.max(0, offset - counted));
      counted = Math.max(counted, offset);
    });
  }

  /** Makes sure, before the first byte, that what has to be fetched and unpacked from a layer on fits on the disk. */
  async #takeRoom(
    layers: readonly LayerToUnpack[],
    from: number,
    without: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#promised !== undefined) return;
    const { client, makeRoom, room } = this.#options;
    const wanted = new Map(layers.map(({ descriptor }) => [descriptor.digest, descriptor.size]));
    let contentBytes = 0;
    for (const [digest, size] of wanted) {
      if (!without.has(digest) && (await blobInfo(client, digest, { signal })) === undefined)
        contentBytes += size;
    }
    // No layer unpacks to less than it is packed.
    const snapshotBytes = layers
      .slice(from)
      .reduce((sum, { descriptor: { digest, size } }) => sum + (without.has(digest) ? 0 : size), 0);
    this.#promised = await room.promise({ contentBytes, snapshotBytes, makeRoom });
  }

  /** Now that a layer's bytes are here they tell what they unpack to. */
  async #checkUnpackedSize(descriptor: Descriptor, signal: AbortSignal): Promise<void> {
    if (!descriptor.mediaType.endsWith('gzip')) return;
    const { client, makeRoom, room } = this.#options;
    const size = await gzipUnpackedSize(client, descriptor, { signal });
    if (size !== undefined) await room.check(size, makeRoom);
  }

  /**
   * Makes the snapshot of one layer. Fetching begins with the first layer that needs its bytes, since a remote
   * snapshotter says only when asked which layers it provides; those are added to `provided`.
   */
  async #unpack(
    layer: LayerToUnpack,
    { fetches, provided, begin, next }: LayerSource,
    signal: AbortSignal,
  ): Promise<void> {
    const { onActivity, policy, progress } = this.#options;
    const { digest } = layer.descriptor;
    await retrying(policy, isRetryablePullError, signal, async () => {
      const state = await this.#look(layer, signal);
      let isRemote = state === 'remote';
      let isProvided = isRemote;
      if (state === 'absent') {
        const extraction = await (this.#lazy?.prepare(layer, { signal }) ??
          prepareLayer(this.#place, layer, { signal }));
        if (typeof extraction === 'string') {
          isProvided = true;
          isRemote = extraction === 'remote';
        } else {
          this.#extractionSize = 0;
          this.#extraction = extraction.key;
          if (next !== undefined) this.#lookAhead(next, signal);
          try {
            const arrival = async () => {
              await begin();
              await fetches.arrived(digest);
              await this.#checkUnpackedSize(layer.descriptor, signal);
            };
            await extractLayer(this.#place, layer, extraction, arrival(), { signal });
          } finally {
            this.#extraction = undefined;
          }
          this.#note(layer, signal);
        }
      }
      if (isRemote) this.#lazy?.left();
      if (isProvided) {
        provided.add(digest);
        progress.notNeeded(digest);
      }
    });
    onActivity();
  }

  /** Whether a layer's snapshot is there; it is held from then on. */
  async #look(layer: LayerToUnpack, signal: AbortSignal): Promise<LayerSnapshot> {
    const begun = this.#looks.get(layer);
    this.#looks.delete(layer);
    return await (begun ?? this.#hold(layer, signal));
  }

  async #hold({ chainId }: LayerToUnpack, signal: AbortSignal): Promise<LayerSnapshot> {
    const { blobs, snapshotter } = this.#options;
    await blobs.hold(`snapshots/${snapshotter}`, chainId, signal);
    return await layerSnapshot(this.#place, chainId, { signal });
  }

  /** Asks while the layer below is being unpacked; what comes of it counts when it is the layer's turn. */
  #lookAhead(layer: LayerToUnpack, signal: AbortSignal): void {
    const look = this.#hold(layer, signal);
    look.catch(() => undefined);
    this.#looks.set(layer, look);
  }

  /** Beside the next layer; it has to be there before the image has its name. */
  #note(layer: LayerToUnpack, signal: AbortSignal): void {
    const { policy } = this.#options;
    const note = () => noteDiffId(this.#place, layer, { signal });
    const noted = retrying(policy, isRetryablePullError, signal, note);
    noted.catch(() => undefined);
    this.#notes.push(noted);
  }

  /** Writes manifest and indexes with what they refer to, then the name. Returns what the name stands for. */
  async #store(
    resolved: ResolvedManifest,
    parsed: ParsedImageConfig,
    signal: AbortSignal,
  ): Promise<ManifestDocument> {
    const { blobs, client, snapshotter } = this.#options;
    const { document, indexes, manifest } = resolved;
    const layers = manifest.layers.map(({ digest }) => digest);
    const labels = manifestLabels(manifest.config.digest, layers);
    await blobs.put('manifest', document.digest, document.bytes, labels, signal);
    for (const index of indexes) {
      await blobs.put(
        'index',
        index.digest,
        index.bytes,
        indexLabels(index.position, index.chosen.digest),
        signal,
      );
    }
    const top = chainIds(parsed.diffIds).at(-1);
    if (top !== undefined) {
      await labelBlob(client, manifest.config.digest, { [snapshotLabel(snapshotter)]: top }, { signal });
    }
    const root = indexes[0] ?? document;
    await this.#name(root, signal);
    return root;
  }

  /** Gives the image its name, or moves the name to it (ENG-97). */
  async #name({ digest, mediaType, bytes }: ManifestDocument, signal: AbortSignal): Promise<void> {
    const { client, name, policy } = this.#options;
    const labels = { [PULLED_LABEL]: '1' };
    const image = { name, labels, target: { mediaType, digest, size: bytes.length } };
    const retryable = (error: unknown) => hasCode(error, 'NOT_FOUND') || isRetryablePullError(error);
    await retrying(policy, retryable, signal, async () => {
      try {
        await client.unary('images', 'Create', { image }, { signal });
      } catch (error) {
        if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
        await client.unary(
          'images',
          'Update',
          { image, updateMask: { paths: ['target', `labels.${PULLED_LABEL}`] } },
          { signal },
        );
      }
    });
  }
}

function layersToUnpack(
  descriptors: ResolvedManifest['manifest']['layers'],
  diffIds: readonly string[],
): readonly LayerToUnpack[] {
  const chain = chainIds(diffIds);
  return descriptors.map((descriptor, index) => ({
    descriptor,
    diffId: diffIds[index] ?? '',
    chainId: chain[index] ?? '',
    parent: chain[index - 1] ?? '',
  }));
}
