import { z } from '../schema.ts';
import { isDigest } from './reference.ts';
import type { RegistryTarget } from './registry/authorizer.ts';
import type { RegistryClient } from './registry/registry-client.ts';

/** What SOCI knows of an image so that it can be read before it is here (containerd.md §7.1). */
export interface SociIndex {
  readonly digest: string;
  /** Digests of the layers that it has a table of contents of. */
  readonly layers: ReadonlySet<string>;
}

const INDEX_TYPE = 'application/vnd.amazon.soci.index.v1+json';
const TABLE_OF_CONTENTS_TYPE = 'application/octet-stream';
/** On the manifest of a converted image: its index. */
const INDEX_ANNOTATION = 'com.amazon.soci.index-digest';
/** On a table of contents: the layer that it is of. */
const LAYER_ANNOTATION = 'com.amazon.soci.image-layer-digest';

const digestSchema = z.string().check(z.refine(isDigest));
const convertedSchema = z.object({ annotations: z.object({ [INDEX_ANNOTATION]: digestSchema }) });
const referrersSchema = z.object({
  manifests: z.array(z.object({ digest: digestSchema, artifactType: z.optional(z.string()) })),
});
const indexSchema = z.object({
  layers: z.array(
    z.object({
      mediaType: z.string(),
      annotations: z.optional(z.object({ [LAYER_ANNOTATION]: z.optional(digestSchema) })),
    }),
  ),
});

/**
 * The index of an image: the one that its manifest names, else the first that refers to the manifest. Undefined
 * when there is none. Throws RegistryError.
 */
export async function findSociIndex(
  registry: RegistryClient,
  target: RegistryTarget,
  manifest: { readonly digest: string; readonly bytes: Uint8Array },
  call: { readonly signal: AbortSignal },
): Promise<SociIndex | undefined> {
  const digest =
    indexNamedBy(manifest.bytes) ??
    indexAmong(await registry.referrers(target, manifest.digest, INDEX_TYPE, call));
  if (digest === undefined) return undefined;
  const { bytes } = await registry.manifest(target, digest, call);
  return { digest, layers: indexedLayers(bytes) };
}

/** The index that the manifest of a converted image (index manifest v2) names. */
export function indexNamedBy(manifest: Uint8Array): string | undefined {
  return read(convertedSchema, manifest)?.annotations[INDEX_ANNOTATION];
}

/** The first index (of manifest v1) in a list of referrers; registries need not filter by type. */
export function indexAmong(referrers: Uint8Array | undefined): string | undefined {
  const listed = referrers === undefined ? undefined : read(referrersSchema, referrers);
  return listed?.manifests.find(({ artifactType }) => artifactType === INDEX_TYPE)?.digest;
}

/** Layers without a table of contents are too small to gain by one, or of a kind that has none. */
export function indexedLayers(index: Uint8Array): ReadonlySet<string> {
  const tables = read(indexSchema, index)?.layers ?? [];
  return new Set(
    tables.flatMap(({ mediaType, annotations }) =>
      mediaType === TABLE_OF_CONTENTS_TYPE ? (annotations?.[LAYER_ANNOTATION] ?? []) : [],
    ),
  );
}

/** What is not of the shape says nothing. */
function read<T>(schema: z.ZodMiniType<T>, bytes: Uint8Array): T | undefined {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return undefined;
  }
}
