import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ExecOutput } from '../../../src/runtime/containerd/exec-output.ts';
import {
  type OpenContainerdOptions,
  openContainerd,
} from '../../../src/runtime/containerd/open-containerd.ts';
import type { ContainerRuntime } from '../../../src/runtime/runtime.ts';
import type { ContainerId } from '../../../src/task/ids.ts';
import { limitsOfProcess } from '../../support/cgroup-limits.ts';
import { removeCgroups } from '../../support/cgroups.ts';
import { type ContainerdOptions, startContainerd, type TestContainerd } from '../../support/containerd.ts';
import { importTestImage } from '../../support/import-image.ts';
import { leakCheck } from '../../support/leak-check.ts';
import { makeScratch } from '../../support/scratch.ts';
import type { RuntimeUnderTest } from './runtime-under-test.ts';
import { usersLayer } from './users-layer.ts';

const OUTPUT_LIMIT = 1024 * 1024;

export interface ContainerdUnderTest extends RuntimeUnderTest {
  readonly containerd: TestContainerd;
  readonly options: OpenContainerdOptions;
}

/** A containerd of its own with the contract's images, and a runtime opened on it. */
export async function containerdUnderTest(
  daemon: ContainerdOptions = {},
  overrides: Partial<OpenContainerdOptions> = {},
): Promise<ContainerdUnderTest> {
  const containerd = await startContainerd(daemon);
  const scratch = makeScratch();
  // runc's state of all test daemons is in one place: the namespace tells them apart.
  const namespace = `ecs-contract-${process.pid}`;
  const cgroup = `/${namespace}`;
  const options: OpenContainerdOptions = {
    address: containerd.address,
    namespace,
    snapshotter: 'overlayfs',
    runtimeName: 'io.containerd.runc.v2',
    runDir: scratch.path('run'),
    ...overrides,
  };
  const image = 'docker.io/library/contract:1';
  const imageWithStopSignal = 'docker.io/library/contract:stop';
  await importTestImage(containerd, namespace, image, { env: ['IMAGE=yes'], layers: [usersLayer()] });
  await importTestImage(containerd, namespace, imageWithStopSignal, { stopSignal: 'SIGUSR1' });

  let runtime = await openContainerd(options);
  const leaks = await leakCheck({
    containerd,
    namespaces: [namespace],
    cgroups: [],
    ignore: (finding) =>
      finding.startsWith('network namespace') ||
      (finding.startsWith('mount') && !finding.includes(dirname(containerd.stateDir))),
  });
  const outputs = new Map<ContainerId, ExecOutput>();
  const closeOutput = (id: ContainerId) => {
    outputs.get(id)?.[Symbol.dispose]();
    outputs.delete(id);
  };
  return {
    containerd,
    options,
    keepsExits: false,
    givesAllCapabilities: true,
    image,
    imageWithStopSignal,
    get runtime(): ContainerRuntime {
      return runtime;
    },
    reopen: async () => {
      await runtime.close();
      runtime = await openContainerd(options);
      return runtime;
    },
    stdio: async (id) => {
      closeOutput(id);
      const output = await ExecOutput.open(scratch.path('logs'), id, OUTPUT_LIMIT);
      outputs.set(id, output);
      return { kind: 'fifo', stdout: output.path, stderr: output.path };
    },
    output: async (id) => {
      const text = (await outputs.get(id)?.finish()) ?? '';
      closeOutput(id);
      return text;
    },
    limitsOf: async (_id, pid) => limitsOfProcess(pid),
    defaults: () => ({ cgroup: { driver: 'cgroupfs', path: cgroup } }),
    expectNothingLeft: () => leaks.expectNone(),
    [Symbol.asyncDispose]: async () => {
      await runtime.close();
      for (const id of [...outputs.keys()]) closeOutput(id);
      await containerd.stop();
      removeCgroups(cgroup);
      rmSync(join('/run/containerd/runc', namespace), { recursive: true, force: true });
      await scratch.remove();
    },
  };
}
