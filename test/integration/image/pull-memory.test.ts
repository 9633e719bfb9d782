import { afterAll, beforeAll, expect, it } from 'vitest';
import { bulkLayer } from '../../support/base-layer.ts';
import { startContainerd, type TestContainerd } from '../../support/containerd.ts';
import { pushTestImage } from '../../support/push-image.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { run } from '../../support/run.ts';
import { openImages, PULL_CHILD } from './image-bench.ts';

const NAMESPACE = 'memory';

let containerd: TestContainerd;
let registry: TestRegistry;
beforeAll(async () => {
  [containerd, registry] = await Promise.all([startContainerd(), startRegistry()]);
  await using _makesTheNamespace = await openImages(containerd, { namespace: NAMESPACE });
});
afterAll(async () => {
  await registry?.stop();
  await containerd?.stop();
});

let seed = 0;

/** A fresh image with layers of these sizes, MiB, that do not compress. */
async function push(...layerMiBs: readonly number[]): Promise<string> {
  const layers = layerMiBs.map((mib) => {
    seed += 1;
    return bulkLayer(mib << 20, seed);
  });
  const image = { busybox: false, compress: 'none', layers } as const;
  return (await pushTestImage(registry, `memory-${seed}:1`, image)).reference;
}

/** Resident memory, MiB, by which a process grows at most that pulls these images at once. */
async function growthOf(...references: readonly string[]): Promise<number> {
  const args = [PULL_CHILD, containerd.address, NAMESPACE, ...references];
  const [before = 0, most = 0] = (await run(process.execPath, args, { timeoutMs: 100_000 }))
    .split(' ')
    .map((kib) => Number(kib) / 1024);
  return most - before;
}

/** Ten chunks, and what the program itself takes that it had not loaded before. */
const BOUND_MIB = 64;

it('pulls a layer of 200 MiB in no more memory than one of 50 MiB (CTD-48)', async () => {
  const [small, large] = [await growthOf(await push(50)), await growthOf(await push(200))];
  expect(large - small).toBeLessThan(16);
  expect(large).toBeLessThan(BOUND_MIB);
});

it('pulls three images of several layers in little more memory than one (CTD-48)', async () => {
  const references = [await push(40, 30, 20), await push(40, 30, 20), await push(40, 30, 20)];
  expect(await growthOf(...references)).toBeLessThan(BOUND_MIB + 16);
});
