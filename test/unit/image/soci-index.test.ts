import { describe, expect, it } from 'vitest';
import { indexAmong, indexedLayers, indexNamedBy } from '../../../src/image/soci-index.ts';

const digest = (n: number) => `sha256:${String(n).padStart(64, '0')}`;
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const V1 = 'application/vnd.amazon.soci.index.v1+json';

describe('the index of an image', () => {
  it('is the one that a converted image names (CTD-87)', () => {
    const named = bytes({
      layers: [],
      annotations: { 'com.amazon.soci.index-digest': digest(7), other: 'x' },
    });
    expect(indexNamedBy(named)).toBe(digest(7));
    expect(indexNamedBy(bytes({ annotations: { 'com.amazon.soci.index-digest': '../7' } }))).toBeUndefined();
    expect(indexNamedBy(bytes({ layers: [] }))).toBeUndefined();
  });

  it('is else the first of its type that refers to the image, whatever else does (CTD-87)', () => {
    const manifests = [
      { digest: digest(1), artifactType: 'application/vnd.dev.cosign.signature' },
      { digest: digest(2) },
      { digest: digest(3), artifactType: V1 },
      { digest: digest(4), artifactType: V1 },
    ];
    expect(indexAmong(bytes({ schemaVersion: 2, manifests }))).toBe(digest(3));
    expect(indexAmong(bytes({ manifests: manifests.slice(0, 2) }))).toBeUndefined();
    expect(indexAmong(Buffer.from('<html>'))).toBeUndefined();
    expect(indexAmong(undefined)).toBeUndefined();
  });

  it('has the layers that it has a table of contents of', () => {
    const table = (layer: number, mediaType = 'application/octet-stream') => ({
      mediaType,
      digest: digest(100 + layer),
      size: 1,
      annotations: { 'com.amazon.soci.image-layer-digest': digest(layer) },
    });
    const layers = [
      table(1),
      table(2, 'application/vnd.amazon.soci.prefetch.v1+json'),
      table(3),
      { mediaType: 'application/octet-stream', digest: digest(104), size: 1 },
    ];
    expect([...indexedLayers(bytes({ schemaVersion: 2, layers }))]).toEqual([digest(1), digest(3)]);
    expect(indexedLayers(bytes({ schemaVersion: 2 })).size).toBe(0);
  });
});
