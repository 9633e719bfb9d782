import { parsePayloadTask } from '../../../src/acs/payload-task.ts';
import { FoundImages } from '../../../src/engine/found-images.ts';
import type { ContainerStepContext, StepPorts } from '../../../src/engine/step-context.ts';
import { createContainer, removeContainer, startContainer } from '../../../src/engine/steps/container.ts';
import { BridgeNetwork } from '../../../src/network/bridge/bridge-network.ts';
import { HostNetwork } from '../../../src/network/host-network.ts';
import { TaskNetwork } from '../../../src/network/task-network.ts';
import type { TaskCgroups } from '../../../src/resource/task-cgroups.ts';
import { NOTHING_FETCHED } from '../../../src/resource/task-secrets.ts';
import { LocalVolumes } from '../../../src/resource/volumes/local-volumes.ts';
import { ExecOutput } from '../../../src/runtime/containerd/exec-output.ts';
import { createContainerdImages } from '../../../src/runtime/containerd/images/containerd-images.ts';
import { openContainerd } from '../../../src/runtime/containerd/open-containerd.ts';
import { admitTask } from '../../../src/task/admit.ts';
import { type ContainerId, containerIdOf, taskIdOf } from '../../../src/task/ids.ts';
import type { PayloadTask } from '../../../src/wire/acs-payload.ts';
import { EventLog } from '../../contract/runtime/containers.ts';
import type { TestContainerd } from '../../support/containerd.ts';
import type { Scratch } from '../../support/scratch.ts';
import type { RunOfCase } from './sight.ts';

const OUTPUT_LIMIT = 1024 * 1024;
const CONTAINER = 'app';
const EXIT_MS = 60_000;
const NO_IMAGE_CLEANUP = {
  enabled: false,
  intervalMs: 60_000,
  rules: { minimumAgeMs: 0, perCycle: 0, excluded: new Set<string>() },
  highWatermark: 100,
  lowWatermark: 100,
};

/** The agent's own steps on a containerd: what ECS sends goes in, what a container sees comes out. */
export class ContainerdSide implements AsyncDisposable {
  readonly #ports: StepPorts;
  readonly #events: EventLog;
  readonly #outputs: Map<ContainerId, ExecOutput>;

  private constructor(ports: StepPorts, outputs: Map<ContainerId, ExecOutput>) {
    this.#ports = ports;
    this.#outputs = outputs;
    this.#events = new EventLog(ports.runtime);
  }

  static async open(options: {
    readonly containerd: TestContainerd;
    readonly namespace: string;
    readonly scratch: Scratch;
    readonly cgroups: TaskCgroups;
  }): Promise<ContainerdSide> {
    const { containerd, namespace, scratch, cgroups } = options;
    const runtime = await openContainerd({
      address: containerd.address,
      namespace,
      snapshotter: 'overlayfs',
      runtimeName: 'io.containerd.runc.v2',
      runDir: scratch.path('run'),
    });
    const outputs = new Map<ContainerId, ExecOutput>();
    const ports: StepPorts = {
      runtime,
      images: createContainerdImages({ client: runtime.client, snapshotter: runtime.snapshotter }),
      network: await openNetwork(scratch.path('run'), namespace),
      cgroups,
      volumes: new LocalVolumes({ directory: scratch.path('volumes'), matchFullConfiguration: false }),
      logs: {
        drivers: ['json-file'],
        prepare: async ({ id }) => {
          const output = await ExecOutput.open(scratch.path('logs'), id, OUTPUT_LIMIT);
          outputs.set(id, output);
          const stdio = { kind: 'fifo', stdout: output.path, stderr: output.path } as const;
          return { stdio, ready: Promise.resolve() };
        },
        finish: async () => {},
        remove: async (id) => {
          outputs.get(id)?.[Symbol.dispose]();
          outputs.delete(id);
        },
        list: async () => [...outputs.keys()],
        totals: async () => ({}),
        close: async () => {},
      },
      settings: {
        cluster: 'default',
        region: 'us-west-2',
        pullBehavior: 'default',
        pullUpfront: false,
        createTimeoutMs: 60_000,
        startTimeoutMs: 60_000,
        stopTimeoutMs: 1_000,
        manifestTimeoutMs: 10_000,
        pullTimeoutMs: 10_000,
        cleanupWaitMs: 0,
        cleanupJitterMs: 0,
        imageCleanup: NO_IMAGE_CLEANUP,
        gpuRuntime: 'nvidia',
        pauseLabels: {},
      },
      secrets: { fetch: async () => {}, of: () => NOTHING_FETCHED, forget: () => {} },
      registryCredentials: async () => undefined,
      // Where metadata and credentials are is told by both agents; here nobody serves them.
      endpointEnvironment: () => ({}),
      now: Date.now,
    };
    const side = new ContainerdSide(ports, outputs);
    await side.#events.live();
    return side;
  }

  async run(payload: PayloadTask): Promise<RunOfCase> {
    const parsed = parsePayloadTask(payload, 'default');
    if (parsed.kind !== 'task' || parsed.spec.unsupported.length > 0)
      throw new Error(`the agent does not take it: ${JSON.stringify(parsed)}`);
    const { spec } = parsed;
    const { signal } = new AbortController();
    const context: ContainerStepContext = {
      ...this.#ports,
      task: admitTask(spec, 'RUNNING', undefined, 0).state,
      signal,
      foundImages: new FoundImages(),
      emit: () => {},
    };
    const id = containerIdOf(spec.arn, CONTAINER, 0);
    const taskId = taskIdOf(spec.arn);
    await this.#ports.volumes.ensureTaskVolumes(spec, { signal });
    const internal = spec.containers.filter((one) => one.internal !== undefined).map(({ name }) => name);
    for (const name of [...internal, CONTAINER]) {
      await createContainer(context, name);
      await startContainer(context, name);
    }
    const exit = await this.#events.exitOf(id, EXIT_MS);
    const output = (await this.#outputs.get(id)?.finish()) ?? '';
    const parent = await this.#ports.cgroups?.ensure(taskId, { cpuShares: 2 });
    for (const name of [CONTAINER, ...internal]) await removeContainer(context, name);
    await this.#ports.volumes.removeTask(taskId, { signal });
    await this.#ports.network.removeTaskNetwork(spec, { signal });
    await this.#ports.cgroups?.remove(taskId);
    const cgroupParent = parent?.driver === 'cgroupfs' ? parent.path : '';
    return { id, exitCode: exit.exitCode ?? -1, output, cgroupParent };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#events[Symbol.asyncDispose]();
    await this.#ports.network.close();
    await this.#ports.runtime.close();
  }
}

/** The modes that dockerd has too, as the agent makes them. */
async function openNetwork(runDir: string, namespace: string): Promise<TaskNetwork> {
  const load = async () =>
    await BridgeNetwork.open({
      runDir,
      namespace,
      pluginDirectories: ['/opt/cni/bin', '/usr/lib/cni'],
      portRange: { first: 40_000, last: 40_999 },
      reportedFamilies: { ipv4: true, ipv6: false },
      spares: { count: 1, afterMs: 100 },
      log: { info: () => {}, warn: () => {} },
      takeConnection: (socket) => socket.destroy(),
    });
  return await TaskNetwork.open(new HostNetwork({ runDir }), [
    { mode: 'bridge', isInUse: async () => false, load },
  ]);
}
