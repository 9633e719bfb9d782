import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ContainerdRuntime } from '../../../src/runtime/containerd/containerd-runtime.ts';
import { openContainerd } from '../../../src/runtime/containerd/open-containerd.ts';
import {
  type ContainerStdio,
  type CreateContainer,
  LABEL_CONTAINER_NAME,
  LABEL_TASK_ARN,
} from '../../../src/runtime/runtime.ts';
import { type ContainerId, containerIdOf } from '../../../src/task/ids.ts';
import { removeCgroups } from '../../support/cgroups.ts';
import { startContainerd, type TestContainerd } from '../../support/containerd.ts';
import { importTestImage } from '../../support/import-image.ts';
import { type LeakCheck, leakCheck } from '../../support/leak-check.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { TASK } from './log-stage.ts';

const IMAGE = 'registry.test/logs:1';
// runc's state of all test daemons is in one place: the namespace tells them apart.
const NAMESPACE = `ecs-logs-${process.pid}`;
const CGROUP = `/${NAMESPACE}`;

/** A containerd of this test's own, and containers in it whose output goes where a test wants it. */
export class ContainerdStage implements AsyncDisposable {
  readonly containerd: TestContainerd;
  readonly runtime: ContainerdRuntime;
  readonly #scratch: Scratch;
  readonly #leaks: LeakCheck;

  static async open(): Promise<ContainerdStage> {
    const containerd = await startContainerd();
    const leaks = await leakCheck({
      containerd,
      namespaces: [NAMESPACE],
      cgroups: [],
      ignore: (finding) =>
        finding.startsWith('network namespace') ||
        (finding.startsWith('mount') && !finding.includes(dirname(containerd.stateDir))),
    });
    const scratch = makeScratch();
    await importTestImage(containerd, NAMESPACE, IMAGE);
    const runtime = await openContainerd({
      address: containerd.address,
      namespace: NAMESPACE,
      snapshotter: 'overlayfs',
      runtimeName: 'io.containerd.runc.v2',
      runDir: scratch.path('runtime'),
    });
    return new ContainerdStage(containerd, runtime, scratch, leaks);
  }

  private constructor(
    containerd: TestContainerd,
    runtime: ContainerdRuntime,
    scratch: Scratch,
    leaks: LeakCheck,
  ) {
    this.containerd = containerd;
    this.runtime = runtime;
    this.#scratch = scratch;
    this.#leaks = leaks;
  }

  /** Creates and starts a container that runs a script. */
  async start(
    name: string,
    script: string,
    stdio: ContainerStdio,
    { signal, ...more }: Partial<CreateContainer> & { readonly signal: AbortSignal },
  ): Promise<ContainerId> {
    const id = containerIdOf(TASK, name, 0);
    await this.runtime.createContainer(
      {
        id,
        name: `ecs-web-1-${name}`,
        taskArn: TASK,
        group: name,
        labels: { [LABEL_TASK_ARN]: TASK, [LABEL_CONTAINER_NAME]: name },
        image: IMAGE,
        entryPoint: ['sh', '-c'],
        command: [script],
        environment: {},
        terminal: false,
        openStdin: false,
        readonlyRootfs: false,
        capabilitiesAdd: [],
        capabilitiesDrop: [],
        ulimits: [],
        sysctls: {},
        mounts: [],
        tmpfs: {},
        network: { kind: 'isolated' },
        limits: { cpuShares: 128 },
        cgroup: { driver: 'cgroupfs', path: CGROUP },
        stdio,
        ...more,
      },
      { signal },
    );
    await this.runtime.startContainer(id, { signal });
    return id;
  }

  /** Waits for the exit, then ends the log by `finish`, then the container, as the engine does. */
  async end(
    id: ContainerId,
    finish: (id: ContainerId) => Promise<void>,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const exit = await until(
      async () => {
        const seen = await this.runtime.observeContainer(id, { signal });
        return seen.state === 'exited' ? seen.exit : undefined;
      },
      { what: 'the container has exited', timeoutMs: 60_000, intervalMs: 100 },
    );
    await finish(id);
    await this.runtime.releaseContainer(id, { signal });
    await this.runtime.removeContainer(id, { signal });
    return exit.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const signal = AbortSignal.timeout(60_000);
    for (const { id } of await this.runtime.listContainers({ signal }))
      await this.runtime.removeContainer(id, { signal });
    await this.runtime.close();
    await this.#leaks.expectNone();
    await this.containerd.stop();
    removeCgroups(CGROUP);
    rmSync(join('/run/containerd/runc', NAMESPACE), { recursive: true, force: true });
    await this.#scratch.remove();
  }
}
