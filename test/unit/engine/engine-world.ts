import { pino } from 'pino';
import type { ContainerLogs } from '../../../src/container-log/container-logs.ts';
import type { EngineSettings, StepPorts } from '../../../src/engine/step-context.ts';
import { TaskEngine } from '../../../src/engine/task-engine.ts';
import type { Network } from '../../../src/network/network.ts';
import type { TaskCgroups } from '../../../src/resource/task-cgroups.ts';
import { NOTHING_FETCHED, type TaskSecrets } from '../../../src/resource/task-secrets.ts';
import type { TaskVolumes } from '../../../src/resource/task-volumes.ts';
import { FakeImages } from '../../../src/runtime/fake/fake-images.ts';
import { type FakeBehaviour, FakeRuntime } from '../../../src/runtime/fake/fake-runtime.ts';
import type { CreateContainer } from '../../../src/runtime/runtime.ts';
import type { MetaKey, Store, StoreChange, StoredState } from '../../../src/store/store.ts';
import type { HostCapacity } from '../../../src/task/host-resources.ts';
import type { TaskArn } from '../../../src/task/ids.ts';
import type { ImageUse } from '../../../src/task/image-use.ts';
import type { StateReport } from '../../../src/task/report.ts';
import type { TaskState } from '../../../src/task/task-state.ts';
import type { Transition } from '../../../src/task/timeline.ts';

/** A store in memory that survives an engine; can be told to refuse. */
export class MapStore implements Store {
  readonly tasks = new Map<TaskArn, TaskState>();
  readonly outbox = new Map<number, StateReport>();
  readonly meta = new Map<MetaKey, string>();
  readonly timelines = new Map<TaskArn, readonly Transition[]>();
  readonly imageUses = new Map<string, ImageUse>();
  refuse: Error | undefined;
  #id = 0;

  async load(): Promise<StoredState> {
    return {
      tasks: [...this.tasks.values()],
      outbox: [...this.outbox].map(([id, report]) => ({ id, report })),
      attachments: [],
      meta: this.meta,
      images: [...this.imageUses.values()],
      quarantined: [],
    };
  }

  async commit(changes: readonly StoreChange[]): Promise<readonly number[]> {
    await Promise.resolve();
    if (this.refuse !== undefined) throw this.refuse;
    const ids: number[] = [];
    for (const change of changes) {
      if (change.kind === 'putTask') this.tasks.set(change.task.spec.arn, change.task);
      else if (change.kind === 'deleteTask') this.tasks.delete(change.arn);
      else if (change.kind === 'appendTimeline')
        this.timelines.set(change.arn, [...(this.timelines.get(change.arn) ?? []), ...change.transitions]);
      else if (change.kind === 'enqueueReport') {
        this.outbox.set(++this.#id, change.report);
        ids.push(this.#id);
      } else if (change.kind === 'deleteReport') this.outbox.delete(change.id);
      else if (change.kind === 'putImage') this.imageUses.set(change.image.imageId, change.image);
      else if (change.kind === 'deleteImage') this.imageUses.delete(change.imageId);
    }
    return ids;
  }

  async timeline(arn: TaskArn): Promise<readonly Transition[]> {
    return this.timelines.get(arn) ?? [];
  }

  async close(): Promise<void> {}
}

export const hostNetwork: Network = {
  refusal: () => undefined,
  prepareContainerNetwork: async () => ({
    namespace: { kind: 'host' },
    hostname: 'h',
    mounts: [],
    bindings: [],
  }),
  completeContainerNetwork: async () => {},
  releaseTaskNetwork: async () => {},
  releaseContainerNetwork: async () => {},
  removeTaskNetwork: async () => {},
  removeLeftovers: async () => {},
  close: async () => {},
};

/** Cgroups of which nothing is on the host. */
export const noCgroups: TaskCgroups = {
  driver: 'cgroupfs',
  version: 1,
  ensure: async (taskId) => ({ driver: 'cgroupfs', path: `/${taskId}` }),
  isEmpty: async () => true,
  kill: async () => {},
  remove: async () => {},
  list: async () => [],
  close: async () => {},
};

export const noVolumes: TaskVolumes = {
  refusal: () => undefined,
  ensureTaskVolumes: async () => {},
  ensureContainerMounts: async () => [],
  ensureMounted: async () => {},
  releaseContainer: async () => {},
  removeContainer: async () => {},
  removeTask: async () => {},
  removeLeftovers: async () => {},
};

const noSecrets: TaskSecrets = {
  fetch: async () => {},
  of: () => NOTHING_FETCHED,
  forget: () => {},
};

export const noLogs: ContainerLogs = {
  totals: async () => ({}),
  drivers: ['none'],
  prepare: async () => ({ stdio: { kind: 'null' }, ready: Promise.resolve() }),
  finish: async () => {},
  remove: async () => {},
  list: async () => [],
  close: async () => {},
};

/** What one run of the engine has otherwise. */
interface Changes {
  readonly engine?: Partial<EngineSettings>;
  readonly ports?: Partial<StepPorts>;
  readonly capacity?: HostCapacity;
}

/** An engine over fakes whose parts outlive it, so that a test can kill the engine and start another. */
export class EngineWorld {
  readonly store = new MapStore();
  readonly runtime: FakeRuntime;
  readonly images: FakeImages;
  readonly reports: StateReport[] = [];
  engine: TaskEngine;
  readonly settings = {
    cluster: 'c',
    region: 'us-west-2',
    ipv6Only: false,
    pullBehavior: 'default',
    pullUpfront: false,
    createTimeoutMs: 5_000,
    startTimeoutMs: 5_000,
    stopTimeoutMs: 300,
    manifestTimeoutMs: 5_000,
    pullTimeoutMs: 5_000,
    cleanupWaitMs: 60_000,
    cleanupJitterMs: 0,
    gpuRuntime: 'gpu-runtime',
    pauseLabels: {},
    imageCleanup: {
      enabled: true,
      intervalMs: 60_000,
      rules: { minimumAgeMs: 60_000, perCycle: 5, excluded: new Set<string>() },
      highWatermark: 100,
      lowWatermark: 100,
    },
  } as const;

  constructor(
    behaviour: (request: CreateContainer) => FakeBehaviour = () => ({}),
    images = new FakeImages(),
  ) {
    this.runtime = new FakeRuntime(behaviour);
    this.images = images;
    this.engine = this.#build({});
  }

  /** What the engine's steps act on. */
  ports(settings: Changes): StepPorts {
    return {
      runtime: this.runtime,
      images: this.images,
      network: hostNetwork,
      volumes: noVolumes,
      secrets: noSecrets,
      logs: noLogs,
      settings: { ...this.settings, ...settings.engine },
      registryCredentials: async () => undefined,
      endpointEnvironment: () => ({}),
      now: Date.now,
      ...settings.ports,
    };
  }

  #build(settings: Changes): TaskEngine {
    return new TaskEngine({
      ports: this.ports(settings),
      store: this.store,
      ...(settings.capacity !== undefined && { capacity: settings.capacity }),
      logger: pino({ level: 'silent' }),
      enqueueReport: ({ id, report }) => {
        this.reports.push(report);
        // A control plane that accepts everything at once.
        void this.store
          .commit([{ kind: 'deleteReport', id }])
          .then(() => this.engine.reportSettled(report.task))
          .catch(() => {});
      },
      onTaskGone: () => {},
    });
  }

  start(settings: Changes = {}): this {
    this.engine = this.#build(settings);
    this.engine.start([...this.store.tasks.values()]);
    return this;
  }

  known(arn: TaskArn): string {
    return this.store.tasks.get(arn)?.known ?? 'gone';
  }

  statuses(): readonly string[] {
    return this.reports.map((report) => report.status);
  }
}
