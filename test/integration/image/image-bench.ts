import { fileURLToPath } from 'node:url';
import { RegistryClient, type RegistryClientOptions } from '../../../src/image/registry/registry-client.ts';
import { ContainerdClient } from '../../../src/runtime/containerd/client.ts';
import { hasCode } from '../../../src/runtime/containerd/containerd-error.ts';
import {
  type ContainerdImages,
  type ContainerdImagesOptions,
  createContainerdImages,
} from '../../../src/runtime/containerd/images/containerd-images.ts';
import type { TestContainerd } from '../../support/containerd.ts';
import { type LeakCheck, leakCheck } from '../../support/leak-check.ts';

/** Script that pulls in a process of its own, see there. */
export const PULL_CHILD = fileURLToPath(new URL('pull-child.ts', import.meta.url));

/** Retries as in earnest, a hundred times faster. */
export const QUICK_RETRY = {
  attempts: 5,
  backoff: { minMs: 11, maxMs: 50, factor: 2, jitter: 0.2 },
} as const;

export interface ImageBench extends AsyncDisposable {
  readonly images: ContainerdImages;
  readonly client: ContainerdClient;
}

export interface BenchOptions extends Partial<Omit<ContainerdImagesOptions, 'client' | 'registry'>> {
  readonly namespace: string;
  readonly registry?: RegistryClientOptions;
}

/** The image service on one namespace of a real containerd. */
export async function openImages(containerd: TestContainerd, options: BenchOptions): Promise<ImageBench> {
  const { namespace, registry, ...rest } = options;
  const client = new ContainerdClient({ address: containerd.address, namespace });
  const signal = AbortSignal.timeout(10_000);
  try {
    await client.unary('namespaces', 'Create', { namespace: { name: namespace } }, { signal });
  } catch (error) {
    if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
  }
  const images = createContainerdImages({
    client,
    snapshotter: 'overlayfs',
    registry: new RegistryClient(registry),
    pullRetry: QUICK_RETRY,
    ...rest,
  });
  const close = async () => {
    await images.close();
    client.close();
  };
  return { images, client, [Symbol.asyncDispose]: close };
}

/** A signal for calls that must not take longer than a test may. */
export function soon(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(50_000) };
}

/** Names and keys of all snapshots of the namespace. */
export async function snapshotNames(client: ContainerdClient): Promise<string[]> {
  const names: string[] = [];
  for await (const { info } of client.stream('snapshots', 'List', { snapshotter: 'overlayfs' }, soon())) {
    for (const { name } of info ?? []) names.push(name);
  }
  return names;
}

/** Watches what pulls could leave in a namespace or on the disk; other programs of the host do not matter. */
export function pullLeaks(containerd: TestContainerd, namespace: string): Promise<LeakCheck> {
  const ours = (finding: string) =>
    finding.endsWith(`of namespace ${namespace}`) || finding.includes(containerd.rootDir);
  return leakCheck({ containerd, namespaces: [namespace], ignore: (finding) => !ours(finding) });
}
