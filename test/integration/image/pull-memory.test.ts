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

/** Peak resident memory, MiB, of a process that pulls an image of one layer of that size. */
async function peakOf(layerMiB: number): Promise<number> {
  const { reference } = await pushTestImage(registry, `memory-${layerMiB}:1`, {
    busybox: false,
    compress: 'none',
    layers: [bulkLayer(layerMiB << 20, layerMiB)],
  });
  const args = [PULL_CHILD, containerd.address, NAMESPACE, reference];
  return Number(await run(process.execPath, args, { timeoutMs: 60_000 })) / 1024;
}

it('pulls a layer of 200 MiB in no more memory than one of 50 MiB (CTD-48)', async () => {
  const [small, large] = [await peakOf(50), await peakOf(200)];
  expect(large - small).toBeLessThan(50);
  expect(large).toBeLessThan(256);
});
