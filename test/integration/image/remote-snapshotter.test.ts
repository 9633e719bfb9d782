import { describe, expect, it } from 'vitest';
import type { PullProgress } from '../../../src/image/images.ts';
import { chainIds } from '../../../src/runtime/containerd/images/unpack-layer.ts';
import { startContainerd } from '../../support/containerd.ts';
import { CONTAINERD_VERSIONS, type ContainerdVersion } from '../../support/containerd-versions.ts';
import { type PushedImage, pushTestImage } from '../../support/push-image.ts';
import { startRegistry } from '../../support/registry.ts';
import { makeScratch } from '../../support/scratch.ts';
import { openImages, soon } from './image-bench.ts';
import { serveRemoteSnapshotter } from './remote-snapshotter.ts';

const NAMESPACE = 'lazy';

/** A containerd with the snapshotter `remote`, and an image service that unpacks for it. */
async function lazyBench(version: ContainerdVersion) {
  await using stack = new AsyncDisposableStack();
  const scratch = stack.use(makeScratch());
  const registry = stack.use(await startRegistry());
  const backing = stack.use(await startContainerd());
  const { client } = stack.use(await openImages(backing, { namespace: 'backing' }));
  const socket = scratch.path('remote.sock');
  const remote = stack.use(await serveRemoteSnapshotter(socket, client));
  const config = `[proxy_plugins.remote]\n  type = "snapshot"\n  address = ${JSON.stringify(socket)}\n`;
  const containerd = stack.use(await startContainerd({ version, config }));
  const { images } = stack.use(await openImages(containerd, { namespace: NAMESPACE, snapshotter: 'remote' }));
  const owned = stack.move();
  return { registry, remote, containerd, images, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const chainOf = ({ image }: PushedImage) =>
  chainIds(JSON.parse(image.native.config.bytes.toString()).rootfs.diff_ids);

describe.each(CONTAINERD_VERSIONS)('a remote snapshotter at containerd %s', (version) => {
  it('is asked for each layer by its reference, and a layer of its own is not unpacked over (CTD-34, CTD-83)', async () => {
    await using bench = await lazyBench(version);
    const pushed = await pushTestImage(bench.registry, 'lazy:1', {
      layers: [
        [{ path: 'second', type: 'file', content: 'of the registry' }],
        [{ path: 'third', type: 'file', content: 'of the registry' }],
      ],
    });
    const { reference } = pushed;
    const chain = chainOf(pushed);
    bench.remote.provided.set(chain[1] ?? '', { path: 'second', content: 'of the snapshotter, ' });
    await bench.images.pull({ reference }, soon());
    expect(bench.remote.prepared).toEqual(chain);
    const options = ['--rm', '--snapshotter', 'remote'];
    expect(
      await bench.containerd.ctr(NAMESPACE, 'run', ...options, reference, 'c', 'cat', '/second', '/third'),
    ).toBe('of the snapshotter, of the registry');
    expect(await bench.images.find(reference, soon())).toMatchObject({ name: reference });
  });

  it('that provides the lowest layers saves their bytes altogether (CTD-83)', async () => {
    await using bench = await lazyBench(version);
    const pushed = await pushTestImage(bench.registry, 'lazy:2', {
      busybox: false,
      layers: [
        [{ path: 'first', type: 'file', content: '1' }],
        [{ path: 'second', type: 'file', content: '2' }],
      ],
    });
    const { reference, image } = pushed;
    for (const id of chainOf(pushed)) bench.remote.provided.set(id, { path: 'elsewhere', content: id });
    const seen: PullProgress[] = [];
    await bench.images.pull({ reference, onProgress: (progress) => seen.push(progress) }, soon());
    const gets = bench.registry.requests().filter((line) => line.startsWith('GET'));
    for (const { digest } of image.native.layers) expect(gets.join()).not.toContain(digest);
    expect(seen.at(-1)).toEqual({ bytesDone: 0, bytesTotal: 0, layersUnpacked: 2, layersTotal: 2 });
    expect(await bench.images.find(reference, soon())).toMatchObject({ name: reference });
  });
});
