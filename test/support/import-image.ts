import { writeFileSync } from 'node:fs';
import type { TestContainerd } from './containerd.ts';
import { makeScratch } from './scratch.ts';
import { tarOf } from './tar.ts';
import { buildTestImage, descriptor, type TestImage, type TestImageOptions } from './test-image.ts';

/**
 * Puts an image into a containerd under this whole name (`docker.io/library/test:1`) and unpacks it there, with
 * no registry involved.
 */
export async function importTestImage(
  containerd: TestContainerd,
  namespace: string,
  name: string,
  image: TestImage | TestImageOptions = {},
): Promise<TestImage> {
  const built = 'top' in image ? image : buildTestImage(image);
  await using scratch = makeScratch();
  const archive = scratch.path('image.tar');
  writeFileSync(archive, ociArchive(name, built));
  await importArchive(containerd, namespace, '--all-platforms', archive);
  return built;
}

/**
 * Runs `ctr images import`. Not by the stream that version 2 has for it: at times that ends before all is through
 * ("short read: … unexpected EOF").
 */
export async function importArchive(
  containerd: TestContainerd,
  namespace: string,
  ...args: readonly string[]
): Promise<void> {
  const local = containerd.version === '2.1' ? ['--local'] : [];
  await containerd.ctr(namespace, 'images', 'import', ...local, ...args);
}

function ociArchive(name: string, { top, manifests }: TestImage): Buffer {
  const index = {
    schemaVersion: 2,
    manifests: [{ ...descriptor(top), annotations: { 'io.containerd.image.name': name } }],
  };
  const blobs = new Map(
    [top, ...manifests.flatMap(({ manifest, config, layers }) => [manifest, config, ...layers])].map(
      (blob) => [blob.digest, blob],
    ),
  );
  return tarOf([
    { path: 'oci-layout', type: 'file', content: JSON.stringify({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', type: 'file', content: JSON.stringify(index) },
    { path: 'blobs', type: 'directory' },
    { path: 'blobs/sha256', type: 'directory' },
    ...[...blobs.values()].map(
      ({ digest, bytes }) =>
        ({ path: `blobs/${digest.replace(':', '/')}`, type: 'file', content: bytes }) as const,
    ),
  ]);
}
