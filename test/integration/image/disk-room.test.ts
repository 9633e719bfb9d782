import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DiskShortage } from '../../../src/image/images.ts';
import { bulkLayer } from '../../support/base-layer.ts';
import { startContainerd, type TestContainerd } from '../../support/containerd.ts';
import type { LeakCheck } from '../../support/leak-check.ts';
import { pushTestImage } from '../../support/push-image.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { makeSmallDisk, type SmallDisk } from '../../support/small-disk.ts';
import { until } from '../../support/until.ts';
import { type ImageBench, openImages, pullLeaks, soon } from './image-bench.ts';
import { type RegistryFront, startFront } from './registry-front.ts';

const NAMESPACE = 'room';
const MIB = 1 << 20;

let disk: SmallDisk;
let containerd: TestContainerd;
let registry: TestRegistry;
let front: RegistryFront;
let bench: ImageBench;
let leaks: LeakCheck;
beforeAll(async () => {
  disk = await makeSmallDisk(56);
  [containerd, registry] = await Promise.all([startContainerd({ rootDir: disk.directory }), startRegistry()]);
  front = await startFront(registry.port);
  bench = await openImages(containerd, { namespace: NAMESPACE });
  leaks = await pullLeaks(containerd, NAMESPACE);
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  await front?.close();
  await registry?.stop();
  await containerd?.stop();
  await disk?.stop();
});

const pushBulk = async (name: string, mebibytes: number, seed: number): Promise<string> => {
  const layers = [bulkLayer(mebibytes * MIB, seed)];
  await pushTestImage(registry, `${name}:1`, { busybox: false, compress: 'none', layers });
  return `${front.host}/${name}:1`;
};
const failureOf = (pull: Promise<unknown>): Promise<Error> =>
  pull.then(
    () => Promise.reject(new Error('it was pulled')),
    (error: Error) => error,
  );
const blobRequests = () => front.requests.filter(({ path }) => path.includes('/blobs/'));

describe('a pull that does not fit', () => {
  it('is refused with the sizes before the first byte of a layer', async () => {
    const reference = await pushBulk('large', 30, 1);
    front.requests.length = 0;
    const before = disk.free();
    const error = await failureOf(bench.images.pull({ reference }, soon()));
    expect(error).toMatchObject({ code: 'CannotPullContainerError' });
    expect(error.message).toMatch(
      /free disk space on the host\. pulling \S+: no space left on device: the image needs 31\.\d MB of layers to fetch and 31\.\d MB or more to unpack, and \S+ has \d+\.\d MB of \d+\.\d MB free$/,
    );
    // The configuration alone.
    expect(blobRequests()).toHaveLength(1);
    await until(() => before - disk.free() < MIB, { what: 'the disk is as free as before' });
    await leaks.expectNone();
  });

  it('because of what others are fetching is refused, and they go on', async () => {
    const [first, second] = [await pushBulk('first', 14, 2), await pushBulk('second', 14, 3)];
    const begun = Promise.withResolvers<void>();
    front.disturb = ({ path }) => {
      if (!path.includes('/first/blobs/')) return undefined;
      begun.resolve();
      return { rate: 2 * MIB };
    };
    let bytes = 0;
    const slow = bench.images.pull(
      { reference: first, onProgress: ({ bytesDone }) => (bytes = bytesDone) },
      soon(),
    );
    await begun.promise;
    await until(() => bytes > 0, { what: 'the first pull is under way' });
    const error = await failureOf(bench.images.pull({ reference: second }, soon()));
    expect(error.message).toMatch(/free, of which \d+\.\d MB are for pulls under way$/);
    expect(await slow).toMatchObject({ name: first });
    front.disturb = () => undefined;
    await bench.images.remove(first, soon());
    await bench.images.pull({ reference: second }, soon());
    await bench.images.remove(second, soon());
  });

  it('asks for room, says how much, and goes on once it has it', async () => {
    const [old, wanted] = [await pushBulk('old', 15, 4), await pushBulk('wanted', 15, 5)];
    await bench.images.pull({ reference: old }, soon());
    const shortages: DiskShortage[] = [];
    const makeRoom = async (shortage: DiskShortage) => {
      shortages.push(shortage);
      await bench.images.remove(old, soon());
      return true;
    };
    const free = disk.free();
    await bench.images.pull({ reference: wanted, makeRoom }, soon());
    expect(shortages).toHaveLength(1);
    const [{ missingBytes } = { missingBytes: 0 }] = shortages;
    expect(Math.abs(missingBytes - (30 * MIB - free))).toBeLessThan(MIB);
    await bench.images.remove(wanted, soon());
  });

  it('when unpacked is refused with the size that its gzip layer tells, and leaves nothing', async () => {
    const content = Buffer.alloc(64 * MIB);
    const { reference } = await pushTestImage(registry, 'bomb:1', {
      busybox: false,
      layers: [[{ path: 'zeros', type: 'file', content }]],
    });
    const before = disk.free();
    const error = await failureOf(bench.images.pull({ reference }, soon()));
    expect(error.message).toMatch(/no space left on device: .*67\.1 MB or more to unpack/);
    await until(() => before - disk.free() < MIB, { what: 'what was fetched is gone' });
    await leaks.expectNone();
  });
});

it('tells its disk', async () => {
  const [seen, ...others] = await bench.images.disks(soon());
  expect(others).toEqual([]);
  expect(seen?.path.startsWith(disk.directory)).toBe(true);
  expect(seen?.totalBytes).toBeGreaterThan(40 * MIB);
  expect(Math.abs((seen?.freeBytes ?? 0) - disk.free())).toBeLessThan(MIB);
});

it('lists images by content: names together, and whether the agent pulled them', async () => {
  const { reference, image } = await pushTestImage(registry, 'listed:1');
  await bench.images.pull({ reference }, soon());
  await containerd.ctr(NAMESPACE, 'images', 'tag', reference, 'docker.io/library/alias:1');
  const listed = await bench.images.list(soon());
  expect(listed).toEqual([
    {
      imageId: image.native.config.digest,
      names: expect.arrayContaining(['docker.io/library/alias:1', reference]),
      sizeBytes: expect.any(Number),
      createdAt: expect.any(Number),
      // `ctr images tag` copies the labels of a name with it.
      pulled: true,
    },
  ]);
  expect(Math.abs(Date.now() - (listed[0]?.createdAt ?? 0))).toBeLessThan(60_000);
});
