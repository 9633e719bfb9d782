import { dirname, join } from 'node:path';
import {
  type OpenContainerdOptions,
  openContainerd,
} from '../../../src/runtime/containerd/open-containerd.ts';
import type { ContainerRuntime } from '../../../src/runtime/runtime.ts';
import type { ContainerdUnderTest } from '../../contract/runtime/containerd-under-test.ts';
import { RecordingProxy } from './recording-proxy.ts';

export interface Proxied extends AsyncDisposable {
  readonly proxy: RecordingProxy;
  readonly runtime: ContainerRuntime;
}

/** A second runtime on the same containerd, whose calls are written down and can be made to fail. */
export async function openProxied(
  under: ContainerdUnderTest,
  name: string,
  overrides: Partial<OpenContainerdOptions> = {},
): Promise<Proxied> {
  const address = join(dirname(under.containerd.address), `${name}.sock`);
  const proxy = await RecordingProxy.start(address, under.containerd.address);
  try {
    const runtime = await openContainerd({ ...under.options, address, ...overrides });
    return {
      proxy,
      runtime,
      [Symbol.asyncDispose]: async () => {
        await runtime.close();
        await proxy[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await proxy[Symbol.asyncDispose]();
    throw error;
  }
}
