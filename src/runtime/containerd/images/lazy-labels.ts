import type { Descriptor } from '../../../image/manifest.ts';
import type { SociIndex } from '../../../image/soci-index.ts';

/** An image of which layers are offered to a lazy snapshotter. */
export interface LazyImage {
  /** Under which the snapshotter asks the registry: `host/repository:tag`. */
  readonly name: string;
  readonly manifestDigest: string;
  readonly layers: readonly Descriptor[];
  readonly index: SociIndex;
}

/** Neighbours that a label tells of: 72 bytes each, and containerd takes 4096 for key and value together. */
const MAX_NEIGHBOURS = 50;

/**
 * What the snapshotter must be told to read a layer from the registry by itself (containerd.md §7.1): containerd
 * hands labels that begin with `containerd.io/snapshot/` down to it. The layers that come after this one are named
 * so that it can prepare for them.
 */
export function lazyLabels(image: LazyImage, layer: Descriptor): Record<string, string> {
  const { index, layers, manifestDigest, name } = image;
  const from = layers.findIndex(({ digest }) => digest === layer.digest);
  const offered = layers
    .slice(from)
    .filter(({ digest }) => index.layers.has(digest))
    .slice(0, MAX_NEIGHBOURS);
  return {
    'containerd.io/snapshot/cri.image-ref': name,
    'containerd.io/snapshot/cri.manifest-digest': manifestDigest,
    'containerd.io/snapshot/cri.layer-digest': layer.digest,
    'containerd.io/snapshot/cri.image-layers': offered.map(({ digest }) => digest).join(','),
    'containerd.io/snapshot/remote/image.layers.size': offered.map(({ size }) => size).join(','),
    'containerd.io/snapshot/remote/soci.size': String(layer.size),
    'containerd.io/snapshot/remote/soci.index.digest': index.digest,
  };
}
