import { z } from '../schema.ts';
import type { ImageConfig } from './images.ts';
import { isDigest } from './reference.ts';

/** The document at the registry or in the content store is no image that can run here. Never worth a retry. */
export class UnsupportedImageError extends Error {
  override readonly name = 'UnsupportedImageError';
}

/** What a registry is asked for: OCI and Docker, one image and several architectures. */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

const INDEX_TYPES: readonly string[] = [MANIFEST_TYPES[0], MANIFEST_TYPES[2]];
const SCHEMA_1_TYPES: readonly string[] = [
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
];
const LAYER_TYPES: readonly string[] = [
  'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.oci.image.layer.v1.tar+zstd',
  'application/vnd.docker.image.rootfs.diff.tar',
  'application/vnd.docker.image.rootfs.diff.tar.gzip',
  'application/vnd.docker.image.rootfs.diff.tar.zstd',
];

/** Whether a Content-Type is one of schema 1, which has no digest worth pinning (task-engine.md §8.2). */
export function isSchema1(mediaType: string): boolean {
  return SCHEMA_1_TYPES.includes(mediaType);
}

const descriptorSchema = z.object({
  mediaType: z._default(z.string(), ''),
  digest: z.string().check(z.refine(isDigest, 'not a digest')),
  size: z.int().check(z.nonnegative()),
  urls: z.optional(z.array(z.string())),
  platform: z.optional(
    z.object({ os: z.string(), architecture: z.string(), variant: z.optional(z.string()) }),
  ),
  artifactType: z.optional(z.string()),
});
const indexSchema = z.object({ manifests: z.array(descriptorSchema) });
const manifestSchema = z.object({ config: descriptorSchema, layers: z.array(descriptorSchema) });
const kindSchema = z.object({
  schemaVersion: z.optional(z.number()),
  mediaType: z.optional(z.string()),
  manifests: z.optional(z.array(z.unknown())),
  config: z.optional(z.unknown()),
});

/** Points at a blob: its type, digest and size in bytes. */
export type Descriptor = z.infer<typeof descriptorSchema>;

export type Manifest =
  | { readonly kind: 'index'; readonly mediaType: string; readonly manifests: readonly Descriptor[] }
  | {
      readonly kind: 'image';
      readonly mediaType: string;
      readonly config: Descriptor;
      readonly layers: readonly Descriptor[];
    }
  | { readonly kind: 'schema1' };

/**
 * Reads a manifest or index. `mediaType` is what came with it (Content-Type or a descriptor), believed after the
 * document's own. Throws `UnsupportedImageError` for what is no manifest, and for layers that are kept elsewhere
 * or are no file systems.
 */
export function parseManifest(bytes: Uint8Array, mediaType: string): Manifest {
  const json = parseJson(bytes, 'manifest');
  const kind = read(kindSchema, json, 'manifest');
  const type = kind.mediaType ?? mediaType;
  if (kind.schemaVersion === 1 || isSchema1(type)) return { kind: 'schema1' };
  if (INDEX_TYPES.includes(type) || (kind.manifests !== undefined && kind.config === undefined)) {
    const { manifests } = read(indexSchema, json, 'image index');
    return { kind: 'index', mediaType: INDEX_TYPES.includes(type) ? type : MANIFEST_TYPES[0], manifests };
  }
  const { config, layers } = read(manifestSchema, json, 'manifest');
  for (const layer of layers) checkLayer(layer);
  return {
    kind: 'image',
    mediaType: type.endsWith('manifest.v2+json') ? type : MANIFEST_TYPES[1],
    config,
    layers,
  };
}

function checkLayer(layer: Descriptor): void {
  if ((layer.urls ?? []).length > 0 || /foreign|nondistributable/.test(layer.mediaType)) {
    throw new UnsupportedImageError(
      `layer ${layer.digest} is a foreign layer (${layer.mediaType}), kept outside the registry; such images are not supported`,
    );
  }
  if (!LAYER_TYPES.includes(layer.mediaType)) {
    throw new UnsupportedImageError(
      `layer ${layer.digest} has the type "${layer.mediaType}", which is no container layer`,
    );
  }
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

/** This machine's platform in the words of OCI. */
export function machinePlatform(arch: string = process.arch): Platform {
  return { os: 'linux', architecture: arch === 'x64' ? 'amd64' : arch };
}

/** What an image that was converted for lazy pulling carries for each of its platforms beside the image. */
const SOCI_INDEX_TYPE = /^application\/vnd\.amazon\.soci\.index\./;

/** Variants that run on every machine of an architecture, the best first; '' is none. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = { amd64: ['', 'v1'], arm64: ['v8', ''] };

/**
 * The manifest of an index that fits the platform (containerd.md §6); an only entry without a platform is taken.
 * Throws `UnsupportedImageError` that lists what there is.
 */
export function choosePlatform(entries: readonly Descriptor[], wanted: Platform): Descriptor {
  const manifests = entries.filter(({ artifactType = '' }) => !SOCI_INDEX_TYPE.test(artifactType));
  for (const variant of VARIANTS[wanted.architecture] ?? ['']) {
    for (const entry of manifests) {
      const { platform } = entry;
      if (platform === undefined || platform.os !== wanted.os) continue;
      if (platform.architecture === wanted.architecture && (platform.variant ?? '') === variant) return entry;
    }
  }
  const [only, ...others] = manifests;
  if (only !== undefined && others.length === 0 && only.platform === undefined) return only;
  const offered = manifests.flatMap(({ platform }) =>
    platform === undefined || platform.os === 'unknown'
      ? []
      : [[platform.os, platform.architecture, platform.variant].filter(Boolean).join('/')],
  );
  throw new UnsupportedImageError(
    `the image has no variant for ${wanted.os}/${wanted.architecture}; it offers ${offered.join(', ') || 'nothing'}`,
  );
}

const strings = z.nullish(z.array(z.string()));
const configSchema = z.object({
  os: z.optional(z.string()),
  config: z.nullish(
    z.object({
      Env: strings,
      Entrypoint: strings,
      Cmd: strings,
      User: z.nullish(z.string()),
      WorkingDir: z.nullish(z.string()),
      StopSignal: z.nullish(z.string()),
      Volumes: z.nullish(z.record(z.string(), z.unknown())),
      ExposedPorts: z.nullish(z.record(z.string(), z.unknown())),
    }),
  ),
  rootfs: z.object({ diff_ids: z.nullish(z.array(z.string().check(z.refine(isDigest, 'not a digest')))) }),
});

/** An image's configuration: what containers inherit, and the digests of its unpacked layers from the bottom. */
export interface ParsedImageConfig {
  readonly config: ImageConfig;
  readonly diffIds: readonly string[];
}

/** Reads the configuration blob. Throws `UnsupportedImageError`. */
export function parseImageConfig(bytes: Uint8Array): ParsedImageConfig {
  const parsed = read(configSchema, parseJson(bytes, 'image configuration'), 'image configuration');
  if (parsed.os !== undefined && parsed.os !== '' && parsed.os !== 'linux') {
    throw new UnsupportedImageError(`the image is made for ${parsed.os}, not for linux`);
  }
  const config = parsed.config ?? {};
  const environment: Record<string, string> = {};
  for (const entry of config.Env ?? []) {
    const equals = entry.indexOf('=');
    if (equals > 0) environment[entry.slice(0, equals)] = entry.slice(equals + 1);
  }
  return {
    config: {
      environment,
      entryPoint: config.Entrypoint ?? [],
      command: config.Cmd ?? [],
      user: config.User ?? '',
      workingDirectory: config.WorkingDir ?? '',
      stopSignal: config.StopSignal ?? '',
      volumes: Object.keys(config.Volumes ?? {}),
      exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    },
    diffIds: parsed.rootfs.diff_ids ?? [],
  };
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new UnsupportedImageError(`the ${what} is not JSON`, { cause: error });
  }
}

function read<T>(schema: z.ZodMiniType<T>, json: unknown, what: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new UnsupportedImageError(
    `the ${what} is not valid: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
  );
}
