import { bulkLayer, busyboxLayer } from '../../test/support/base-layer.ts';
import { removeCgroups } from '../../test/support/cgroups.ts';
import { startContainerd, type TestContainerd } from '../../test/support/containerd.ts';
import { NetworkHost } from '../../test/support/network-host.ts';
import { type PushedImage, pushTestImage } from '../../test/support/push-image.ts';
import { startRegistry } from '../../test/support/registry.ts';
import { pushSociIndex, SOCI, startSoci } from '../../test/support/soci.ts';
import { buildTestImage } from '../../test/support/test-image.ts';
import { until } from '../../test/support/until.ts';
import { AgentUnderTest } from './agent-under-test.ts';
import { installedAgent } from './contenders.ts';
import { interleave } from './interleave.ts';
import type { Report } from './report.ts';
import { OBEDIENT, oneContainer } from './task-shapes.ts';

/** MB: one large layer, as real images have it, and others. */
const LAYERS = [120, 80, 50, 30, 15, 5];
/** What `soci create` takes unless it is told otherwise; two layers are smaller. */
const INDEXED_BYTES = 10 << 20;
const LAZY = 'lazily, with SOCI';
const FULL = 'in full';

/**
 * `npm run bench -- lazy-pull`: from the payload to RUNNING with an image of 300 MB that is not here, from a registry
 * on loopback; once with a SOCI index, once without, on the same snapshotter. The container needs none of the large
 * layers to run.
 */
export async function runBenchmark({ rounds = 5 }: { readonly rounds?: number } = {}): Promise<Report> {
  await using stack = new AsyncDisposableStack();
  const program = await installedAgent(stack);
  const namespace = `ecs-b${process.pid}`;
  const host = stack.use(await NetworkHost.create('lazy'));
  stack.defer(() => removeCgroups(`/${namespace}`));
  using _visit = host.enter();
  const registry = stack.use(await startRegistry({ tls: true, named: true }));
  const soci = stack.use(await startSoci(registry));
  const containerd = stack.use(await startContainerd({ config: soci.containerdConfig }));
  const agent = stack.use(
    await AgentUnderTest.start({
      ...{ containerdAddress: containerd.address, namespace, host, program },
      env: {
        ECS_CONTAINERD_SNAPSHOTTER: SOCI,
        ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '1s',
        SSL_CERT_FILE: registry.caFile ?? '',
      },
    }),
  );
  const image = buildTestImage({
    cmd: OBEDIENT,
    busybox: false,
    layers: [busyboxLayer(), ...LAYERS.map((megabytes, seed) => bulkLayer(megabytes * 1_000_000, seed + 1))],
  });
  const full = await pushTestImage(registry, 'full:1', image);
  const lazy = await pushTestImage(registry, 'lazy:1', image);
  await pushSociIndex(containerd, registry, lazy.reference, INDEXED_BYTES);

  const contender = (name: string, { reference }: PushedImage) => ({
    name,
    measure: async () => {
      const { startMs } = await agent.startAndStop(oneContainer(reference));
      await forget(containerd, namespace, reference);
      return startMs;
    },
  });
  const samples = await interleave([contender(LAZY, lazy), contender(FULL, full)], { rounds, warmUps: 1 });
  return {
    benchmark: 'lazy-pull',
    title: 'From the payload to RUNNING reported: one container of an image of 300 MB that is not here',
    rows: [...samples].map(([name, taken]) => ({
      ...{ name, unit: 'ms', samples: taken },
      ...(name === LAZY && { against: [{ row: FULL }] }),
    })),
  };
}

/** Removes the image and, once no container needs them any more, its layers. */
async function forget(containerd: TestContainerd, namespace: string, reference: string): Promise<void> {
  await until(async () => (await containerd.ctr(namespace, 'containers', 'ls', '-q')).trim() === '', {
    what: 'the container is cleaned up',
    timeoutMs: 30_000,
  });
  await containerd.ctr(namespace, 'images', 'rm', '--sync', reference);
}
