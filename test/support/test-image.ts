import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { busyboxLayer } from './base-layer.ts';
import { type TarEntry, tarOf } from './tar.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

/** What a test image holds besides busybox; nothing is a busybox that runs `sh`. */
export interface TestImageOptions {
  /** Layers above the busybox one. */
  readonly layers?: readonly (readonly TarEntry[])[];
  /** False: without the busybox layer. */
  readonly busybox?: boolean;
  readonly entrypoint?: readonly string[];
  /** Default `sh` when there is no entry point either. */
  readonly cmd?: readonly string[];
  /** `NAME=value`; a PATH comes first. */
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  readonly stopSignal?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  /** `80/tcp`. */
  readonly exposedPorts?: readonly string[];
  /** Docker's HEALTHCHECK: times in nanoseconds. */
  readonly healthcheck?: Readonly<Record<string, unknown>>;
  /** Default gzip. */
  readonly compress?: Compression;
  /** Media types; default OCI. */
  readonly format?: 'oci' | 'docker';
  /** An index whose other entries are for foreign platforms, listed first; their layers differ. */
  readonly multiArch?: boolean;
}

/** A thing that registries and content stores keep by digest. */
export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly bytes: Buffer;
}

/** One platform's manifest with all that it names. */
export interface TestManifest {
  readonly manifest: Blob;
  readonly config: Blob;
  readonly layers: readonly Blob[];
}

/** An image in memory. */
export interface TestImage {
  /** What a tag points at: the index, or the only manifest. */
  readonly top: Blob;
  /** This host's. */
  readonly native: TestManifest;
  /** All, the foreign ones first. */
  readonly manifests: readonly TestManifest[];
}

const MEDIA_TYPES = {
  oci: {
    index: 'application/vnd.oci.image.index.v1+json',
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: {
      gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
      zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
      none: 'application/vnd.oci.image.layer.v1.tar',
    },
  },
  docker: {
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: {
      gzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
      zstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
      none: 'application/vnd.docker.image.rootfs.diff.tar',
    },
  },
} as const;

/** The host's architecture in the words of image indexes. */
export const NATIVE_ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';
const FOREIGN_ARCHITECTURES = NATIVE_ARCHITECTURE === 'amd64' ? ['arm64', 's390x'] : ['amd64', 's390x'];

/** Makes an image without any tool; the same options give the same digests on the same host. */
export function buildTestImage(options: TestImageOptions = {}): TestImage {
  const types = MEDIA_TYPES[options.format ?? 'oci'];
  const base = options.busybox === false ? [] : [busyboxLayer()];
  const native = buildManifest(options, NATIVE_ARCHITECTURE, [...base, ...(options.layers ?? [])]);
  if (options.multiArch !== true) return { top: native.manifest, native, manifests: [native] };

  const foreign = FOREIGN_ARCHITECTURES.map((architecture) => ({
    architecture,
    ...buildManifest(options, architecture, [
      [{ path: 'architecture', type: 'file', content: architecture } as const],
    ]),
  }));
  const entries = [...foreign, { architecture: NATIVE_ARCHITECTURE, ...native }];
  const index = {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: entries.map(({ architecture, manifest }) => ({
      ...descriptor(manifest),
      platform: { architecture, os: 'linux' },
    })),
  };
  return { top: jsonBlob(types.index, index), native, manifests: [...foreign, native] };
}

/** Digest, size and media type, as one blob names another. */
export function descriptor({ mediaType, digest, size }: Blob): Record<string, unknown> {
  return { mediaType, digest, size };
}

function buildManifest(
  options: TestImageOptions,
  architecture: string,
  layers: readonly (readonly TarEntry[])[],
): TestManifest {
  const types = MEDIA_TYPES[options.format ?? 'oci'];
  const compression = options.compress ?? 'gzip';
  const tars = layers.map(tarOf);
  const blobs = tars.map((tar) => blobOf(types.layer[compression], compressed(tar, compression)));
  const config = jsonBlob(types.config, {
    architecture,
    os: 'linux',
    config: processConfig(options),
    rootfs: { type: 'layers', diff_ids: tars.map(sha256) },
    history: tars.map(() => ({ created: '1970-01-01T00:00:00Z' })),
  });
  const manifest = jsonBlob(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptor(config),
    layers: blobs.map(descriptor),
  });
  return { manifest, config, layers: blobs };
}

function processConfig(options: TestImageOptions): Record<string, unknown> {
  const { entrypoint, cmd = entrypoint === undefined ? ['sh'] : undefined } = options;
  return {
    Env: ['PATH=/bin:/usr/bin', ...(options.env ?? [])],
    Entrypoint: entrypoint,
    Cmd: cmd,
    User: options.user,
    WorkingDir: options.workingDir,
    StopSignal: options.stopSignal,
    Labels: options.labels,
    Volumes: keyed(options.volumes),
    ExposedPorts: keyed(options.exposedPorts),
    Healthcheck: options.healthcheck,
  };
}

function keyed(names: readonly string[] | undefined): Record<string, object> | undefined {
  return names && Object.fromEntries(names.map((name) => [name, {}]));
}

function compressed(tar: Buffer, compression: Compression): Buffer {
  switch (compression) {
    case 'gzip':
      return gzipSync(tar, { level: 1 });
    case 'zstd':
      return zstdCompressSync(tar);
    case 'none':
      return tar;
  }
}

function jsonBlob(mediaType: string, value: unknown): Blob {
  return blobOf(mediaType, Buffer.from(JSON.stringify(value)));
}

function blobOf(mediaType: string, bytes: Buffer): Blob {
  return { mediaType, digest: sha256(bytes), size: bytes.length, bytes };
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
