import { observeDisks } from '../../../host/disk-space.ts';
import { ActivityWatch } from '../../../image/activity-watch.ts';
import { resolveDigest } from '../../../image/digest-resolver.ts';
import {
  type ImageService,
  type LocalImage,
  NOTHING_PULLED,
  type PullProgress,
  type PullRequest,
  type RegistryCredentials,
} from '../../../image/images.ts';
import { imageError, troubleOf } from '../../../image/pull-errors.ts';
import { pullKey } from '../../../image/pull-key.ts';
import { type ImageReference, isDigest, parsedOrNothing, parseReference } from '../../../image/reference.ts';
import { RegistryClient } from '../../../image/registry/registry-client.ts';
import { MANIFEST_RETRY, PULL_RETRY, type RetryPolicy, retrying } from '../../../image/retry.ts';
import { SharedWork } from '../../../image/shared-work.ts';
import { inactivePull, neverBegunPull } from '../../../image/stalled-pull.ts';
import type { DockerClient } from '../docker-client.ts';
import { imageListSchema, imageSchema, infoSchema, pullLineSchema } from '../docker-documents.ts';
import { DockerError, hasStatus } from '../docker-error.ts';
import { jsonLines } from '../json-lines.ts';
import { OWN_REPOSITORY } from '../pause-image.ts';
import { copyImageDirectory } from './copy-directory.ts';
import { LayerProgress } from './layer-progress.ts';

export interface DockerImagesOptions {
  readonly client: DockerClient;
  /** As the runtime's. */
  readonly owner: string;
  readonly registry?: RegistryClient;
  /** A pull without any progress for so long fails (ECS_IMAGE_PULL_INACTIVITY_TIMEOUT); default 1 min. */
  readonly inactivityTimeoutMs?: number;
  /** A pull without a first sign of life within that fails (ENG-23); default 5 min. */
  readonly beginTimeoutMs?: number;
  readonly manifestRetry?: RetryPolicy;
  readonly pullRetry?: RetryPolicy;
}

/** What registries say that trying again does not change. */
const FINAL =
  /manifest unknown|not found|denied|unauthorized|no basic auth|no matching manifest|invalid reference/i;

/** The image service on dockerd: it pulls and unpacks, digests are asked for by us. */
export class DockerImages implements ImageService {
  readonly #options: DockerImagesOptions;
  readonly #registry: RegistryClient;
  readonly #pulls = new SharedWork<PullProgress, LocalImage>();

  constructor(options: DockerImagesOptions) {
    this.#options = options;
    this.#registry = options.registry ?? new RegistryClient();
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
      throw imageError('CannotPullContainerError', request.reference, error, isRetryable(error));
    }
  };

  find: ImageService['find'] = async (reference, { signal }) => {
    const parsed = parsedOrNothing(reference);
    if (parsed === undefined) return undefined;
    try {
      const path = `/images/${parsed.canonical}/json`;
      const image = await this.#options.client.call('GET', path, imageSchema, { signal });
      return localImage(parsed, image);
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  };

  copyDirectory: ImageService['copyDirectory'] = async (image, path, directory, { signal }) => {
    const { client, owner } = this.#options;
    return await copyImageDirectory({ client, owner, image: image.name, path, directory, signal });
  };

  remove: ImageService['remove'] = async (reference, { signal }) => {
    const name = isDigest(reference) ? reference : parsedOrNothing(reference)?.canonical;
    if (name === undefined) return;
    try {
      await this.#options.client.send('DELETE', `/images/${name}`, { signal });
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
  };

  list: ImageService['list'] = async ({ signal }) => {
    const images = await this.#options.client.call('GET', '/images/json', imageListSchema, { signal });
    const ofTasks = images.filter(
      ({ RepoTags }) => !RepoTags?.some((tag) => tag.startsWith(`${OWN_REPOSITORY}:`)),
    );
    return ofTasks.map(({ Id, RepoTags, Size, Created }) => ({
      imageId: Id,
      names: (RepoTags ?? [])
        .map((tag) => parsedOrNothing(tag)?.canonical)
        .filter((name) => name !== undefined),
      sizeBytes: Size,
      createdAt: Created * 1000,
      // dockerd does not say who pulled an image.
      pulled: false,
    }));
  };

  disks: ImageService['disks'] = async ({ signal }) => {
    const { DockerRootDir } = await this.#options.client.call('GET', '/info', infoSchema, { signal });
    return DockerRootDir === undefined ? [] : await observeDisks([DockerRootDir]);
  };

  nameOf: ImageService['nameOf'] = (reference) => parsedOrNothing(reference)?.canonical ?? reference;

  /** Aborts pulls under way and closes connections to registries; the client stays its owner's. */
  async close(): Promise<void> {
    await this.#pulls.close(new Error('the agent is stopping'));
    await this.#registry.close();
  }

  async #pull(
    request: PullRequest,
    reference: ImageReference,
    shared: AbortSignal,
    publish: (progress: PullProgress) => void,
  ): Promise<LocalImage> {
    const { inactivityTimeoutMs = 60_000, beginTimeoutMs = 300_000, pullRetry = PULL_RETRY } = this.#options;
    const stalled = new AbortController();
    const signal = AbortSignal.any([shared, stalled.signal]);
    using watch = new ActivityWatch(
      { beginMs: beginTimeoutMs, inactivityMs: inactivityTimeoutMs },
      {
        stillMoving: async () => false,
        onNeverBegun: () => stalled.abort(neverBegunPull(beginTimeoutMs)),
        onInactive: () => stalled.abort(inactivePull(request.reference, inactivityTimeoutMs)),
      },
    );
    let latest = NOTHING_PULLED;
    const tell = (progress: PullProgress) => {
      latest = progress;
      publish(progress);
    };
    const onRetry = (error: unknown) => publish({ ...latest, trouble: troubleOf(error, request.reference) });
    await retrying({ ...pullRetry, onRetry }, isRetryable, signal, () =>
      this.#fetch(request, reference, { signal, onActivity: () => watch.touch(), publish: tell }),
    );
    const image = await this.find(request.reference, { signal });
    if (image === undefined)
      throw new DockerError(404, `dockerd has pulled ${request.reference} and does not have it`);
    return image;
  }

  /** One try; a digest is pulled by itself and then named by the reference (ENG-20). */
  async #fetch(
    { digest, credentials }: PullRequest,
    reference: ImageReference,
    {
      signal,
      onActivity,
      publish,
    }: { signal: AbortSignal; onActivity(): void; publish(progress: PullProgress): void },
  ): Promise<void> {
    const { client } = this.#options;
    const name = `${reference.host}/${reference.repository}`;
    const which = digest ?? reference.digest ?? reference.tag ?? 'latest';
    const stream = await client.stream('POST', '/images/create', {
      query: { fromImage: name, tag: which },
      headers: { 'X-Registry-Auth': registryAuth(credentials, reference.host) },
      signal,
    });
    const progress = new LayerProgress(publish);
    for await (const line of jsonLines(stream)) {
      onActivity();
      const { error, id, status, progressDetail } = pullLineSchema.parse(line);
      if (error !== undefined) throw new DockerError(500, error);
      progress.line({ id, status, current: progressDetail?.current, total: progressDetail?.total });
    }
    if (digest === undefined || reference.tag === undefined || reference.digest !== undefined) return;
    const query = { repo: name, tag: reference.tag };
    await client.send('POST', `/images/${name}@${digest}/tag`, { query, signal });
  }
}

/**
 * Base64 of a document, URL-safe (Docker Engine API, "Authentication"). With its padding: without, dockerd takes it
 * for no login and says nothing.
 */
function registryAuth(credentials: RegistryCredentials | undefined, host: string): string {
  const document = credentials === undefined ? {} : { ...credentials, serveraddress: host };
  const encoded = Buffer.from(JSON.stringify(document)).toString('base64');
  return encoded.replaceAll('+', '-').replaceAll('/', '_');
}

function isRetryable(error: unknown): boolean {
  return error instanceof DockerError && error.status >= 500 && !FINAL.test(error.message);
}

function localImage(reference: ImageReference, image: ReturnType<typeof imageSchema.parse>): LocalImage {
  const { Config } = image;
  const prefix = `${reference.host}/${reference.repository}@`;
  const named = image.RepoDigests?.find((one) => one.startsWith(prefix)) ?? image.RepoDigests?.[0];
  return {
    name: reference.canonical,
    digest: reference.digest ?? named?.slice(named.indexOf('@') + 1) ?? image.Id,
    imageId: image.Id,
    sizeBytes: image.Size,
    config: {
      environment: Object.fromEntries(
        (Config?.Env ?? []).map((entry) => {
          const at = entry.indexOf('=');
          return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
        }),
      ),
      entryPoint: Config?.Entrypoint ?? [],
      command: Config?.Cmd ?? [],
      user: Config?.User ?? '',
      workingDirectory: Config?.WorkingDir ?? '',
      stopSignal: Config?.StopSignal ?? '',
      volumes: Object.keys(Config?.Volumes ?? {}),
      exposedPorts: Object.keys(Config?.ExposedPorts ?? {}),
    },
  };
}
