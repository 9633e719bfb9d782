import { observeDisks } from '../../../host/disk-space.ts';
import { ActivityWatch } from '../../../image/activity-watch.ts';
import { resolveDigest } from '../../../image/digest-resolver.ts';
import type { ImageService, LocalImage, PullProgress, PullRequest } from '../../../image/images.ts';
import { machinePlatform, type Platform } from '../../../image/manifest.ts';
import { imageError, troubleOf } from '../../../image/pull-errors.ts';
import { pullKey } from '../../../image/pull-key.ts';
import { PullProgressMeter } from '../../../image/pull-progress.ts';
import { type ImageReference, parsedOrNothing, parseReference } from '../../../image/reference.ts';
import { CHUNK_BYTES } from '../../../image/registry/blob-download.ts';
import { ChunkBuffers } from '../../../image/registry/chunk-buffers.ts';
import { RegistryClient } from '../../../image/registry/registry-client.ts';
import { type TransferLimits, TransferSlots } from '../../../image/registry/transfer-slots.ts';
import { MANIFEST_RETRY, PULL_RETRY, type RetryPolicy } from '../../../image/retry.ts';
import { SharedWork } from '../../../image/shared-work.ts';
import { inactivePull, neverBegunPull } from '../../../image/stalled-pull.ts';
import type { ContainerdClient } from '../client.ts';
import { atPort, hasCode } from '../containerd-error.ts';
import { readHostsDirectories } from '../registry-hosts/hosts-path.ts';
import { RegistryHosts } from '../registry-hosts/registry-hosts.ts';
import { BlobStore, isRetryablePullError } from './blob-store.ts';
import { DiskRoom } from './disk-room.ts';
import { ImageDocuments } from './image-documents.ts';
import { type ImagePlaces, readImagePlaces } from './image-places.ts';
import { findLocalImage, type LocalImageStore, listLocalImages } from './local-image.ts';
import { ImagePull } from './pull-image.ts';
import { removeStalePullLeases, withPullLease } from './pull-lease.ts';
import { namingSnapshotter } from './snapshotter-away.ts';

export interface ContainerdImagesOptions {
  readonly client: ContainerdClient;
  /** Name of the snapshotter that images are unpacked for, e.g. `overlayfs`. */
  readonly snapshotter: string;
  /** Default: one of its own, with the process's environment and containerd's hosts.toml files. */
  readonly registry?: RegistryClient;
  /** Default: linux on this machine's architecture. */
  readonly platform?: Platform;
  /** A pull without any progress for so long fails (ECS_IMAGE_PULL_INACTIVITY_TIMEOUT); default 1 min. */
  readonly inactivityTimeoutMs?: number;
  /** A pull without a first sign of life within that fails (ENG-23); default 5 min. */
  readonly beginTimeoutMs?: number;
  readonly manifestRetry?: RetryPolicy;
  readonly pullRetry?: RetryPolicy;
  /** Connections over which layers come at a time; default ten, eight of them to one registry. */
  readonly transferLimits?: TransferLimits;
}

/** The image service on containerd, and what its owner does with it. */
export interface ContainerdImages extends ImageService {
  /**
   * Frees what pulls of an agent that was killed still hold. Pulls that have begun again take over what it had
   * fetched, so this is best called once adopted tasks have asked for their images (CTD-15, CTD-46).
   */
  removeStalePulls(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Aborts pulls under way and closes connections to registries; the client stays its owner's. */
  close(): Promise<void>;
}

/** Each may hold a chunk in memory: more would take the memory of tasks. */
const TRANSFER_LIMITS: TransferLimits = { total: 10, perRegistry: 8 };
const PLACES_MS = 10_000;
const CONTAINERD_CONFIG = '/etc/containerd/config.toml';

/** Images of one containerd namespace. Pulls by content ingest, with no help from containerd's own resolver. */
export function createContainerdImages(options: ContainerdImagesOptions): ContainerdImages {
  return new ContainerdImageService(options);
}

function containerdsHosts(): RegistryHosts {
  let directories: Promise<readonly string[]> | undefined;
  return new RegistryHosts({ directories: () => (directories ??= readHostsDirectories(CONTAINERD_CONFIG)) });
}

class ContainerdImageService implements ContainerdImages {
  readonly #options: ContainerdImagesOptions;
  readonly #registry: RegistryClient;
  readonly #platform: Platform;
  readonly #pulls = new SharedWork<PullProgress, LocalImage>();
  readonly #liveLeases = new Set<string>();
  readonly #room = new DiskRoom(() => this.#placesOfImages(AbortSignal.timeout(PLACES_MS)));
  readonly #slots: TransferSlots;
  readonly #documents: ImageDocuments;
  readonly #buffers = new ChunkBuffers(CHUNK_BYTES);
  #places: ImagePlaces | undefined;

  constructor(options: ContainerdImagesOptions) {
    this.#options = options;
    this.#registry = options.registry ?? new RegistryClient({ endpoints: containerdsHosts() });
    this.#slots = new TransferSlots(options.transferLimits ?? TRANSFER_LIMITS);
    this.#platform = options.platform ?? machinePlatform();
    this.#documents = new ImageDocuments(options.client);
  }

  resolveDigest: ImageService['resolveDigest'] = (request, options) =>
    resolveDigest(this.#registry, request, {
      ...options,
      policy: this.#options.manifestRetry ?? MANIFEST_RETRY,
    });

  pull: ImageService['pull'] = async (request, { signal }) => {
    try {
      const reference = parseReference(request.reference);
      const { onProgress } = request;
      return await this.#pulls.join(pullKey(request, reference), { signal, onProgress }, (shared, publish) =>
        this.#pull(request, reference, shared, publish),
      );
    } catch (error) {
      signal.throwIfAborted();
      const told = namingSnapshotter(error, this.#options.snapshotter, this.#places?.snapshotterSocket);
      throw imageError('CannotPullContainerError', request.reference, told, isRetryablePullError(error));
    }
  };

  find: ImageService['find'] = async (reference, { signal }) => {
    const parsed = parsedOrNothing(reference);
    if (parsed === undefined) return undefined;
    try {
      return await findLocalImage(this.#local(), parsed, { signal });
    } catch (error) {
      throw atPort(error);
    }
  };

  copyDirectory: ImageService['copyDirectory'] = async (image, path, directory, { signal }) => {
    const { client, snapshotter } = this.#options;
    const { copyImageDirectory } = await import('./copy-directory.ts');
    return await copyImageDirectory({ client, snapshotter, image: image.name, path, directory, signal });
  };

  remove: ImageService['remove'] = async (reference, { signal }) => {
    const parsed = parsedOrNothing(reference);
    if (parsed === undefined) return;
    try {
      await this.#options.client.unary(
        'images',
        'Delete',
        { name: parsed.canonical, sync: true },
        { signal },
      );
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND')) throw atPort(error);
    }
  };

  list: ImageService['list'] = async ({ signal }) => {
    try {
      return await listLocalImages(this.#local(), { signal });
    } catch (error) {
      throw atPort(error);
    }
  };

  disks: ImageService['disks'] = async ({ signal }) => {
    try {
      const { content, snapshots } = await this.#placesOfImages(signal);
      return await observeDisks([content, snapshots].filter((path) => path !== undefined));
    } catch (error) {
      throw atPort(error);
    }
  };

  nameOf: ImageService['nameOf'] = (reference) => parsedOrNothing(reference)?.canonical ?? reference;

  async removeStalePulls(call: { readonly signal: AbortSignal }): Promise<void> {
    await removeStalePullLeases(this.#options.client, this.#liveLeases, call);
  }

  async close(): Promise<void> {
    await this.#pulls.close(new Error('the agent is stopping'));
    await this.#registry.close();
  }

  #local(): LocalImageStore {
    const { client, snapshotter } = this.#options;
    return { client, snapshotter, platform: this.#platform, documents: this.#documents };
  }

  /** They stay the same while containerd's configuration does, so they are asked for once. */
  async #placesOfImages(signal: AbortSignal): Promise<ImagePlaces> {
    const { client, snapshotter } = this.#options;
    this.#places ??= await readImagePlaces(client, snapshotter, { signal });
    return this.#places;
  }

  async #pull(
    request: PullRequest,
    reference: ImageReference,
    shared: AbortSignal,
    publish: (progress: PullProgress) => void,
  ): Promise<LocalImage> {
    const { client, snapshotter, inactivityTimeoutMs = 60_000, beginTimeoutMs = 300_000 } = this.#options;
    const { credentials } = request;
    const { host, repository } = reference;
    const target = { host, repository, ...(credentials === undefined ? {} : { credentials }) };
    const progress = new PullProgressMeter(publish);
    const policy = {
      ...(this.#options.pullRetry ?? PULL_RETRY),
      onRetry: (error: unknown) => progress.failed(troubleOf(error, request.reference)),
    };
    const stalled = new AbortController();
    const signal = AbortSignal.any([shared, stalled.signal]);
    // Only a program of its own can be one that pulls lazily.
    const mayBeLazy = (await this.#placesOfImages(signal)).snapshotterSocket !== undefined;
    return await withPullLease(client, this.#liveLeases, signal, async (lease) => {
      let pull: ImagePull | undefined;
      using watch = new ActivityWatch(
        { beginMs: beginTimeoutMs, inactivityMs: inactivityTimeoutMs },
        {
          stillMoving: async () => (await pull?.stillMoving()) ?? false,
          onNeverBegun: () => stalled.abort(neverBegunPull(beginTimeoutMs)),
          onInactive: () => stalled.abort(inactivePull(request.reference, inactivityTimeoutMs)),
        },
      );
      const onActivity = () => watch.touch();
      const registry = this.#registry;
      const slots = this.#slots;
      const buffers = this.#buffers;
      const blobs = new BlobStore({ client, registry, target, lease, policy, slots, buffers, onActivity });
      pull = new ImagePull({
        client,
        registry,
        target,
        blobs,
        policy,
        snapshotter,
        lease,
        onActivity,
        platform: this.#platform,
        name: reference.canonical,
        tagOrDigest: request.digest ?? reference.digest ?? reference.tag ?? 'latest',
        progress,
        room: this.#room,
        mayBeLazy,
        makeRoom: request.makeRoom,
      });
      return await pull.run(signal);
    });
  }
}
