import { expect, it } from 'vitest';
import { lazyLabels } from '../../../../../src/runtime/containerd/images/lazy-labels.ts';

const digest = (n: number) => `sha256:${String(n).padStart(64, '0')}`;
const layer = (n: number) => ({ mediaType: 'layer', digest: digest(n), size: n });
const IMAGE = {
  name: 'registry.example/team/app:1',
  manifestDigest: digest(1000),
  index: { digest: digest(2000), layers: new Set([2, 3, 5].map(digest)) },
  layers: [1, 2, 3, 4, 5].map(layer),
};

it('a lazy snapshotter is told where a layer is, and of the indexed ones after it (CTD-87)', () => {
  expect(lazyLabels(IMAGE, layer(3))).toEqual({
    'containerd.io/snapshot/cri.image-ref': 'registry.example/team/app:1',
    'containerd.io/snapshot/cri.manifest-digest': digest(1000),
    'containerd.io/snapshot/cri.layer-digest': digest(3),
    'containerd.io/snapshot/cri.image-layers': `${digest(3)},${digest(5)}`,
    'containerd.io/snapshot/remote/image.layers.size': '3,5',
    'containerd.io/snapshot/remote/soci.size': '3',
    'containerd.io/snapshot/remote/soci.index.digest': digest(2000),
  });
});

it('no label is longer than containerd takes, however many layers there are', () => {
  const layers = Array.from({ length: 120 }, (_, n) => layer(n + 1));
  const all = {
    ...IMAGE,
    layers,
    index: { ...IMAGE.index, layers: new Set(layers.map((one) => one.digest)) },
  };
  for (const [key, value] of Object.entries(lazyLabels(all, layer(1))))
    expect(key.length + value.length).toBeLessThanOrEqual(4096);
});
