import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PullProgress } from '../../../src/image/images.ts';
import { blobInfo } from '../../../src/runtime/containerd/images/content.ts';
import { chainIds } from '../../../src/runtime/containerd/images/unpack-layer.ts';
import { startContainerd, type TestContainerd } from '../../support/containerd.ts';
import { CONTAINERD_VERSIONS } from '../../support/containerd-versions.ts';
import { importArchive } from '../../support/import-image.ts';
import type { LeakCheck } from '../../support/leak-check.ts';
import { type PushedImage, pushTestImage } from '../../support/push-image.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { makeScratch } from '../../support/scratch.ts';
import { type ImageBench, openImages, pullLeaks, snapshotNames, soon } from './image-bench.ts';

const NAMESPACE = 'images';
const LAYERS = [
  [{ path: 'greeting', type: 'file', content: 'hello from a layer\n' } as const],
  [{ path: 'second', type: 'file', content: '2' } as const],
];

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.stop());

describe.each(CONTAINERD_VERSIONS)('a pull with containerd %s', (version) => {
  let containerd: TestContainerd;
  let bench: ImageBench;
  let leaks: LeakCheck;
  beforeAll(async () => {
    containerd = await startContainerd({ version });
    bench = await openImages(containerd, { namespace: NAMESPACE });
    leaks = await pullLeaks(containerd, NAMESPACE);
  });
  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]();
    await containerd?.stop();
  });

  const pull = (reference: string) => bench.images.pull({ reference }, soon());
  const ctr = (...args: string[]) => containerd.ctr(NAMESPACE, ...args);
  const runIn = (name: string, ...command: string[]) =>
    ctr('run', '--rm', name, `c-${Math.random().toString(36).slice(2)}`, ...command);
  const labelsOf = async (digest: string) => (await blobInfo(bench.client, digest, soon()))?.labels;

  it('brings an image that ctr runs, and leaves no lease behind (CTD-13, CTD-45)', async () => {
    const { reference, digest, image } = await pushTestImage(registry, 'team/app:1', {
      layers: LAYERS,
      env: ['COLOUR=green'],
      workingDir: '/home/app',
      user: 'app',
      stopSignal: 'SIGUSR1',
      volumes: ['/data'],
      entrypoint: ['/bin/sh', '-c'],
      cmd: ['cat /greeting'],
    });
    expect(await pull(reference)).toEqual({
      name: reference,
      digest,
      imageId: image.native.config.digest,
      sizeBytes: image.native.layers.reduce((sum, { size }) => sum + size, image.native.config.size),
      config: {
        environment: { PATH: '/bin:/usr/bin', COLOUR: 'green' },
        entryPoint: ['/bin/sh', '-c'],
        command: ['cat /greeting'],
        user: 'app',
        workingDirectory: '/home/app',
        stopSignal: 'SIGUSR1',
        volumes: ['/data'],
        exposedPorts: [],
      },
    });
    expect(await runIn(reference)).toBe('hello from a layer\n');
    await leaks.expectNone();
  });

  it('is found afterwards and not before', async () => {
    const { reference } = await pushTestImage(registry, 'find:1', { layers: LAYERS });
    expect(await bench.images.find(reference, soon())).toBeUndefined();
    const pulled = await pull(reference);
    expect(await bench.images.find(reference, soon())).toEqual(pulled);
    expect(await bench.images.find(`${registry.host}/find:2`, soon())).toBeUndefined();
  });

  it('labels what must outlive a collection, and where it came from (CTD-11)', async () => {
    const { reference, image } = await pushTestImage(registry, 'labels:1', {
      layers: LAYERS,
      env: ['OF=labels'],
      multiArch: true,
    });
    await pull(reference);
    const { manifest, config, layers } = image.native;
    const source = {
      [`containerd.io/distribution.source.${registry.host}`]: expect.stringContaining('labels'),
    };
    expect(await labelsOf(image.top.digest)).toEqual({
      'containerd.io/gc.ref.content.m.2': manifest.digest,
      ...source,
    });
    expect(await labelsOf(manifest.digest)).toEqual({
      'containerd.io/gc.ref.content.config': config.digest,
      ...Object.fromEntries(layers.map(({ digest }, n) => [`containerd.io/gc.ref.content.l.${n}`, digest])),
      ...source,
    });
    const { diff_ids: diffIds } = JSON.parse(config.bytes.toString()).rootfs;
    expect(await labelsOf(config.digest)).toEqual({
      'containerd.io/gc.ref.snapshot.overlayfs': chainIds(diffIds).at(-1),
      ...source,
    });
    for (const [n, { digest }] of layers.entries()) {
      expect(await labelsOf(digest)).toMatchObject({ 'containerd.io/uncompressed': diffIds[n], ...source });
    }
  });

  it.each([
    ['gzip', 'oci'],
    ['zstd', 'oci'],
    ['none', 'oci'],
    ['gzip', 'docker'],
  ] as const)('unpacks %s layers of an %s image', async (compress, format) => {
    const pushed = await pushTestImage(registry, `packing:${compress}-${format}`, {
      layers: LAYERS,
      compress,
      format,
    });
    await pull(pushed.reference);
    expect(await runIn(pushed.reference, 'cat', '/greeting')).toBe('hello from a layer\n');
  });

  it('chooses this machine in an index, and tells the digest of the index (CTD-14, CTD-58)', async () => {
    const { reference, digest, image } = await pushTestImage(registry, 'many:1', {
      layers: LAYERS,
      multiArch: true,
    });
    const pulled = await pull(reference);
    expect(pulled).toMatchObject({ digest, imageId: image.native.config.digest });
    expect(digest).toBe(image.top.digest);
    expect(await runIn(reference, 'cat', '/greeting')).toBe('hello from a layer\n');
    const [foreign] = image.manifests;
    expect(await labelsOf(foreign?.manifest.digest ?? '')).toBeUndefined();
  });

  it('by digest gets the name of the reference, also when the tag has moved on (ENG-97)', async () => {
    const first = await pushTestImage(registry, 'moving:1', { layers: LAYERS, env: ['N=1'] });
    const second = await pushTestImage(registry, 'moving:1', { layers: LAYERS, env: ['N=2'] });
    expect(second.digest).not.toBe(first.digest);
    const { reference } = first;
    const pulled = await bench.images.pull({ reference, digest: first.digest }, soon());
    expect(pulled).toMatchObject({ name: reference, digest: first.digest });
    expect(await bench.images.find(reference, soon())).toMatchObject({ digest: first.digest });
    expect(await pull(reference)).toMatchObject({ name: reference, digest: second.digest });
    expect(await bench.images.find(reference, soon())).toMatchObject({ digest: second.digest });
  });

  it('of a reference with a digest is named by it, and found by it under any tag', async () => {
    const { reference, byDigest, digest } = await pushTestImage(registry, 'pinned:1', { env: ['OF=pinned'] });
    await pull(reference);
    expect(await bench.images.find(byDigest, soon())).toMatchObject({ name: reference, digest });
    expect(await pull(`${reference}@${digest}`)).toMatchObject({ name: byDigest, digest });
    expect(await runIn(byDigest, 'true')).toBe('');
  });

  it('asks the registry for nothing that is here already (CTD-9)', async () => {
    const { reference, digest } = await pushTestImage(registry, 'twice:1', {
      layers: LAYERS,
      env: ['OF=twice'],
    });
    await pull(reference);
    const before = registry.requests().length;
    const seen: PullProgress[] = [];
    await bench.images.pull({ reference, digest, onProgress: (progress) => seen.push(progress) }, soon());
    expect(registry.requests().slice(before)).toEqual([]);
    expect(seen.at(-1)).toMatchObject({ layersUnpacked: 3, layersTotal: 3 });
    expect(seen.at(-1)?.bytesDone).toBe(seen.at(-1)?.bytesTotal);
  });

  it('survives a forced collection, complete and unpacked (CTD-52)', async () => {
    const kept = await pushTestImage(registry, 'kept:1', {
      layers: [...LAYERS, [{ path: 'kept', type: 'file', content: 'of this image alone' }]],
      multiArch: true,
    });
    const other = await pushTestImage(registry, 'other:1', { env: ['OF=other'] });
    const pulled = await pull(kept.reference);
    await pull(other.reference);
    await bench.images.remove(other.reference, soon());
    const { manifest, config, layers } = kept.image.native;
    for (const { digest } of [kept.image.top, manifest, config, ...layers]) {
      expect(await labelsOf(digest), digest).toBeDefined();
    }
    expect(await bench.images.find(kept.reference, soon())).toEqual(pulled);
    expect(await runIn(kept.reference, 'cat', '/greeting')).toBe('hello from a layer\n');
  });

  it('can be exported and imported elsewhere (CTD-56)', async () => {
    const { reference } = await pushTestImage(registry, 'export:1', { layers: LAYERS, multiArch: true });
    await pull(reference);
    await using scratch = makeScratch();
    await ctr('images', 'export', scratch.path('image.tar'), reference);
    await importArchive(containerd, 'elsewhere', scratch.path('image.tar'));
    expect(
      await containerd.ctr('elsewhere', 'run', '--rm', reference, 'c-elsewhere', 'cat', '/greeting'),
    ).toBe('hello from a layer\n');
  });

  it('is not needed for an image that ctr pulled (CTD-57)', async () => {
    const { reference, digest, image } = await pushTestImage(registry, 'byctr:1', {
      layers: LAYERS,
      multiArch: true,
    });
    await ctr('images', 'pull', '--plain-http', '--snapshotter', 'overlayfs', reference);
    expect(await bench.images.find(reference, soon())).toMatchObject({
      name: reference,
      digest,
      imageId: image.native.config.digest,
    });
  });

  it('makes an image ready that ctr fetched and did not unpack', async () => {
    const { reference, digest } = await pushTestImage(registry, 'fetched:1', {
      layers: [[{ path: 'own', type: 'file', content: `${version}` }]],
    });
    await ctr('content', 'fetch', '--plain-http', reference);
    expect(await bench.images.find(reference, soon())).toBeUndefined();
    const before = registry.requests().length;
    await bench.images.pull({ reference, digest }, soon());
    expect(registry.requests().slice(before)).toEqual([]);
    expect(await bench.images.find(reference, soon())).toBeDefined();
  });

  it('can be undone: removing frees content and snapshots at once, and twice is fine (CTD-16)', async () => {
    const { reference, image } = await pushTestImage(registry, 'gone:1', {
      busybox: false,
      layers: [[{ path: 'gone', type: 'file', content: version }]],
    });
    await pull(reference);
    const { manifest, config, layers } = image.native;
    const [diffId] = JSON.parse(config.bytes.toString()).rootfs.diff_ids;
    expect(await snapshotNames(bench.client)).toContain(diffId);
    await bench.images.remove(reference, soon());
    for (const { digest } of [manifest, config, ...layers]) expect(await labelsOf(digest)).toBeUndefined();
    expect(await snapshotNames(bench.client)).not.toContain(diffId);
    expect(await bench.images.find(reference, soon())).toBeUndefined();
    await bench.images.remove(reference, soon());
  });

  it('can be undone under a running container, which goes on unharmed (CTD-59)', async () => {
    const { reference } = await pushTestImage(registry, 'busy:1', { layers: LAYERS, env: ['OF=busy'] });
    await pull(reference);
    await ctr('run', '--detach', reference, 'busy', 'sleep', '1000');
    try {
      await bench.images.remove(reference, soon());
      expect(await bench.images.find(reference, soon())).toBeUndefined();
      const cat = ['cat', '/greeting'];
      expect(await ctr('tasks', 'exec', '--exec-id', 'look', 'busy', ...cat)).toBe('hello from a layer\n');
      await pull(reference);
      expect(await runIn(reference, ...cat)).toBe('hello from a layer\n');
    } finally {
      await ctr('tasks', 'kill', '--signal', 'SIGKILL', 'busy');
      await ctr('tasks', 'delete', 'busy');
      await ctr('containers', 'delete', 'busy');
    }
  });

  it('needs no byte of a blob that another namespace has (CTD-7)', async () => {
    const { reference, image } = await pushTestImage(registry, 'shared:1', {
      layers: LAYERS,
      env: ['OF=shared'],
    });
    await pull(reference);
    await using second = await openImages(containerd, { namespace: 'second' });
    const before = registry.requests().length;
    await second.images.pull({ reference }, soon());
    const { config, layers } = image.native;
    for (const { digest } of [config, ...layers]) {
      expect(
        registry
          .requests()
          .slice(before)
          .filter((line) => line.includes(digest)),
      ).toEqual([]);
    }
    expect(await containerd.ctr('second', 'run', '--rm', reference, 'c-second', 'cat', '/greeting')).toBe(
      'hello from a layer\n',
    );
  });

  it('of two images with common layers at once succeeds for both (CTD-55)', async () => {
    const [first, second] = await Promise.all(
      ['one', 'two'].map((name) =>
        pushTestImage(registry, `common-${name}:1`, {
          layers: [
            [{ path: 'common', type: 'file', content: Buffer.alloc(4 << 20, version) }],
            [{ path: 'own', type: 'file', content: name }],
          ],
        }),
      ),
    );
    const references = [first, second].map((pushed: PushedImage | undefined) => pushed?.reference ?? '');
    await Promise.all(references.map(pull));
    const outputs = await Promise.all(references.map((name) => runIn(name, 'cat', '/own')));
    expect(outputs).toEqual(['one', 'two']);
  });

  it('leaves nothing behind', () => leaks.expectNone());
});

describe('progress', () => {
  it('is honest, never goes back and ends complete', async () => {
    await using containerd = await startContainerd();
    await using bench = await openImages(containerd, { namespace: NAMESPACE });
    const { reference, image } = await pushTestImage(registry, 'progress:1', { layers: LAYERS });
    const seen: PullProgress[] = [];
    await bench.images.pull({ reference, onProgress: (progress) => seen.push(progress) }, soon());
    const total = image.native.layers.reduce((sum, { size }) => sum + size, 0);
    expect(seen[0]).toEqual({ bytesDone: 0, bytesTotal: total, layersUnpacked: 0, layersTotal: 3 });
    expect(seen.at(-1)).toEqual({ bytesDone: total, bytesTotal: total, layersUnpacked: 3, layersTotal: 3 });
    for (const [n, { bytesDone, layersUnpacked }] of seen.entries()) {
      expect(bytesDone).toBeGreaterThanOrEqual(seen[n - 1]?.bytesDone ?? 0);
      expect(layersUnpacked).toBeGreaterThanOrEqual(seen[n - 1]?.layersUnpacked ?? 0);
    }
  });
});
