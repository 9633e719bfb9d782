import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalImage, PullProgress, PullRequest } from '../../../src/image/images.ts';
import type { ContainerdClient } from '../../../src/runtime/containerd/client.ts';
import type { ContainerdImages } from '../../../src/runtime/containerd/images/containerd-images.ts';
import { blobInfo } from '../../../src/runtime/containerd/images/content.ts';
import { bulkLayer, busyboxLayer } from '../../support/base-layer.ts';
import { startContainerd, type TestContainerd } from '../../support/containerd.ts';
import { CONTAINERD_VERSIONS, type ContainerdVersion } from '../../support/containerd-versions.ts';
import { type PushedImage, pushTestImage } from '../../support/push-image.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from '../../support/registry.ts';
import { makeScratch } from '../../support/scratch.ts';
import { pushSociIndex, SOCI, startSoci, type TestSoci } from '../../support/soci.ts';
import type { TarEntry } from '../../support/tar.ts';
import { until } from '../../support/until.ts';
import { openImages, soon } from './image-bench.ts';

const NAMESPACE = 'lazy';
const SOON = { timeoutMs: 30_000, intervalMs: 500 };
const MEGABYTE = 1_000_000;
/** Layers from this size on get into the index: not the one of busybox. */
const INDEXED_BYTES = 4 * MEGABYTE;
const LARGER = bulkLayer(12 * MEGABYTE, 1);
const LARGE = bulkLayer(6 * MEGABYTE, 2);
const SMALL: readonly TarEntry[] = [{ path: 'small', type: 'file', content: 'small' }];

/** A containerd with the SOCI snapshotter, a registry that both reach, and an image service on them. */
interface Bench extends AsyncDisposable {
  readonly registry: TestRegistry;
  readonly soci: TestSoci;
  readonly containerd: TestContainerd;
  readonly images: ContainerdImages;
  readonly client: ContainerdClient;
}

async function lazyBench(version: ContainerdVersion, options: RegistryOptions = {}): Promise<Bench> {
  await using stack = new AsyncDisposableStack();
  const registry = stack.use(await startRegistry({ tls: true, named: true, ...options }));
  const soci = stack.use(await startSoci(registry));
  const containerd = stack.use(await startContainerd({ version, config: soci.containerdConfig }));
  const { images, client } = stack.use(
    await openImages(containerd, {
      namespace: NAMESPACE,
      snapshotter: SOCI,
      registry: { env: { SSL_CERT_FILE: registry.caFile } },
    }),
  );
  const owned = stack.move();
  return { registry, soci, containerd, images, client, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** An image with two large layers under a small one, with an index unless told otherwise. */
async function pushLarge(bench: Bench, name: string, { indexed = true } = {}): Promise<PushedImage> {
  const pushed = await pushTestImage(bench.registry, name, {
    busybox: false,
    layers: [busyboxLayer(), LARGER, LARGE, SMALL],
    env: [`NAME=${name}`],
  });
  if (indexed) await pushSociIndex(bench.containerd, bench.registry, pushed.reference, INDEXED_BYTES);
  return pushed;
}

async function pull(
  { images }: Bench,
  request: PullRequest,
): Promise<{ readonly image: LocalImage; readonly last: PullProgress | undefined }> {
  let last: PullProgress | undefined;
  const image = await images.pull(
    {
      ...request,
      onProgress: (progress) => {
        last = progress;
      },
    },
    soon(),
  );
  return { image, last };
}

/** SHA-256 of a file of the image, as a container reads it. */
async function readIn({ containerd }: Bench, reference: string, path: string): Promise<string> {
  const command = ['/bin/busybox', 'sha256sum', path];
  const options = ['--rm', '--snapshotter', SOCI];
  const output = await containerd.ctr(NAMESPACE, 'run', ...options, reference, 'reader', ...command);
  return output.slice(0, 64);
}

/** The same, of what the image was made of. */
function hashOf([file]: readonly TarEntry[]): string {
  return createHash('sha256')
    .update(file?.content ?? '')
    .digest('hex');
}

/** Digests of the layers, bottom first, that are in containerd's content store. */
async function layersHere({ client }: Bench, { image }: PushedImage): Promise<readonly number[]> {
  const found = await Promise.all(
    image.native.layers.map(async ({ digest }, index) =>
      (await blobInfo(client, digest, soon())) === undefined ? [] : [index],
    ),
  );
  return found.flat();
}

const fuseMounts = ({ soci }: Bench) => soci.mounts().filter(({ fsType }) => fsType.startsWith('fuse'));

describe.each(CONTAINERD_VERSIONS)('the SOCI snapshotter at containerd %s', (version) => {
  let bench: Bench;
  let pushed: PushedImage;
  beforeAll(async () => {
    bench = await lazyBench(version);
    pushed = await pushLarge(bench, 'large:1');
  });
  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]();
  });

  it('reads large layers at the registry when a container needs them (CTD-87, CTD-88)', async () => {
    const { reference, image } = pushed;
    const { image: pulled, last } = await pull(bench, { reference });
    const laziness = { lazyLayers: 2, layers: 4 };
    expect(pulled.laziness).toEqual(laziness);
    const small = (image.native.layers[0]?.size ?? 0) + (image.native.layers[3]?.size ?? 0);
    expect(last).toEqual({
      ...{ bytesDone: small, bytesTotal: small, layersUnpacked: 4, layersTotal: 4 },
      laziness,
    });
    expect(await layersHere(bench, pushed)).toEqual([0, 3]);
    expect(fuseMounts(bench)).toHaveLength(2);
    expect(await readIn(bench, reference, '/bulk-1')).toBe(hashOf(LARGER));
    expect(await readIn(bench, reference, '/small')).toBe(hashOf(SMALL));
    expect(await layersHere(bench, pushed)).toEqual([0, 3]);
    expect(await bench.images.find(reference, soon())).toMatchObject({
      name: reference,
      sizeBytes: pulled.sizeBytes,
    });
  });

  it('is not asked again for what it has, and the registry neither (CTD-83)', async () => {
    const { reference } = pushed;
    await bench.images.pull({ reference }, soon());
    const before = bench.registry.requests().length;
    const { image } = await pull(bench, { reference });
    expect(image.laziness).toEqual({ lazyLayers: 2, layers: 4 });
    const asked = bench.registry.requests().slice(before);
    expect(asked.filter((line) => line.includes('/blobs/') || line.includes('/referrers/'))).toEqual([]);
  });

  it('lets go of its mounts with the image, and after a container of it (CTD-89)', async () => {
    const { reference } = pushed;
    await bench.images.pull({ reference }, soon());
    await readIn(bench, reference, '/bulk-2');
    await bench.images.remove(reference, soon());
    await until(() => fuseMounts(bench).length === 0, { what: 'no layer is mounted any more' });
    expect(await bench.images.find(reference, soon())).toBeUndefined();
  });

  it('gets an image without an index in full, and that is told (CTD-90)', async () => {
    const plain = await pushLarge(bench, 'plain:1', { indexed: false });
    const { reference } = plain;
    const { image, last } = await pull(bench, { reference });
    expect(image.laziness).toEqual({
      ...{ lazyLayers: 0, layers: 4 },
      inFull: 'the image has no SOCI index',
    });
    expect(last?.laziness).toEqual(image.laziness);
    expect(await layersHere(bench, plain)).toEqual([0, 1, 2, 3]);
    expect(await readIn(bench, reference, '/bulk-1')).toBe(hashOf(LARGER));
    await bench.images.remove(reference, soon());
  });
});

describe('the SOCI snapshotter', () => {
  it('fills a volume with what a layer at the registry has (CTD-88)', async () => {
    await using bench = await lazyBench('1.6');
    await using scratch = makeScratch();
    const content = [{ path: 'srv', type: 'directory' } as const, { ...LARGE[0], path: 'srv/large' }];
    const { reference } = await pushTestImage(bench.registry, 'volume:1', {
      layers: [content as readonly TarEntry[]],
    });
    await pushSociIndex(bench.containerd, bench.registry, reference, INDEXED_BYTES);
    const { image } = await pull(bench, { reference });
    expect(image.laziness).toEqual({ lazyLayers: 1, layers: 2 });
    expect(await bench.images.copyDirectory(image, '/srv', scratch.directory, soon())).toBe('copied');
    expect(hashOf([{ path: 'large', type: 'file', content: readFileSync(scratch.path('large')) }])).toBe(
      hashOf(LARGE),
    );
  });

  it('without a login of its own leaves a private image to the agent, in full; with one it does not (CTD-91)', async () => {
    await using bench = await lazyBench('1.6', { auth: 'basic' });
    const { user: credentials } = bench.registry;
    const first = await pushLarge(bench, 'private:1');
    const { image, last } = await pull(bench, {
      reference: first.reference,
      ...(credentials && { credentials }),
    });
    expect(image.laziness).toMatchObject({ lazyLayers: 0, layers: 4 });
    expect(image.laziness?.inFull).toMatch(
      new RegExp(`does not take layer sha256:.+ it needs a login of its own for ${bench.registry.host}`),
    );
    expect(last?.bytesDone).toBe(last?.bytesTotal);
    expect(await layersHere(bench, first)).toEqual([0, 1, 2, 3]);
    expect(await readIn(bench, first.reference, '/bulk-1')).toBe(hashOf(LARGER));
    await bench.images.remove(first.reference, soon());

    bench.soci.logIn(bench.registry);
    const second = await pushLarge(bench, 'private:2');
    const again = await pull(bench, { reference: second.reference, ...(credentials && { credentials }) });
    expect(again.image.laziness).toEqual({ lazyLayers: 2, layers: 4 });
    expect(await readIn(bench, second.reference, '/bulk-1')).toBe(hashOf(LARGER));
  });

  it('that has ended is named when a pull fails for it, and serves again when it is back (CTD-92)', async () => {
    await using bench = await lazyBench('1.6');
    const { reference } = await pushLarge(bench, 'large:1');
    await bench.soci.kill('SIGKILL');
    await expect(bench.images.pull({ reference }, soon())).rejects.toThrow(
      /snapshotter soci does not answer; start it, it is to listen at \S+soci.sock/,
    );
    await bench.soci.start();
    // containerd lets seconds pass before it connects to it again.
    const { image } = await until(() => pull(bench, { reference }), { what: 'the image is pulled', ...SOON });
    expect(image.laziness).toEqual({ lazyLayers: 2, layers: 4 });
    expect(await readIn(bench, reference, '/bulk-2')).toBe(hashOf(LARGE));
  });

  it('mounts its layers again when it was started again (CTD-92)', async () => {
    await using bench = await lazyBench('1.6');
    const { reference } = await pushLarge(bench, 'large:1');
    await bench.images.pull({ reference }, soon());
    await bench.soci.kill('SIGKILL');
    await bench.soci.start();
    const read = () => readIn(bench, reference, '/bulk-1');
    expect(await until(read, { what: 'a container runs', ...SOON })).toBe(hashOf(LARGER));
    expect(await bench.images.find(reference, soon())).toMatchObject({ name: reference });
  });
});
