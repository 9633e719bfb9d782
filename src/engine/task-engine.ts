import type { Logger } from 'pino';
import { sleep } from '../async/deadline.ts';
import type { ListedContainer, RuntimeEvent } from '../runtime/runtime.ts';
import type { QueuedReport, Store } from '../store/store.ts';
import { admitTask } from '../task/admit.ts';
import type { TaskRules } from '../task/event.ts';
import type { HostCapacity, HostWait } from '../task/host-resources.ts';
import {
  type ContainerId,
  containerIdOf,
  type TaskArn,
  type TaskId,
  taskArn,
  taskIdOf,
} from '../task/ids.ts';
import type { ImagesInUse, ImageUse } from '../task/image-use.ts';
import { withNetworkPause } from '../task/internal-containers.ts';
import { waitsForHost } from '../task/plan.ts';
import { withoutFetched } from '../task/secrets.ts';
import type { ContainerStatus, DesiredStatus } from '../task/statuses.ts';
import type { TaskSpec } from '../task/task-spec.ts';
import type { TaskState } from '../task/task-state.ts';
import type { EngineMeasures } from './engine-measures.ts';
import { HostResources } from './host-resources.ts';
import { ImageKeeper } from './image-keeper.ts';
import { LostTasks } from './lost-tasks.ts';
import { Observer } from './observer.ts';
import { refusalOf } from './refusal.ts';
import type { StepObserver } from './step-boundary.ts';
import type { StepPorts } from './step-context.ts';
import { sweepLeftovers } from './sweep.ts';
import type { TaskIntake } from './task-intake.ts';
import { taskRules } from './task-rules.ts';
import { TaskWorker, type WorkerDependencies } from './task-worker.ts';

/** What the engine is built from. */
export interface EngineDependencies {
  readonly ports: StepPorts;
  readonly store: Store;
  readonly logger: Logger;
  /** Absent: only ports are counted. */
  readonly capacity?: HostCapacity;
  /** Told how long things take. */
  readonly measures?: EngineMeasures;
  enqueueReport(queued: QueuedReport): void;
  /** A task is over: whatever else was kept for it may go. */
  onTaskGone(arn: TaskArn): void;
  readonly onStep?: StepObserver | undefined;
}

interface Place {
  readonly worker: TaskWorker;
  readonly container: string;
}

const EVENT_STREAM_RETRY_MS = 500;

/** All tasks of the instance: one worker each, fed with ECS's wishes and the runtime's events. */
export class TaskEngine implements TaskIntake {
  readonly #deps: EngineDependencies;
  readonly #rules: TaskRules;
  readonly #hostResources: HostResources;
  readonly #workers = new Map<TaskArn, TaskWorker>();
  readonly #containers = new Map<ContainerId, Place>();
  readonly #aborter = new AbortController();
  readonly #loops: Promise<void>[] = [];
  #lastArrival = 0;
  readonly #observer: Observer;
  readonly #lost: LostTasks;
  readonly #imageKeeper: ImageKeeper;

  constructor(deps: EngineDependencies) {
    this.#deps = deps;
    const { settings } = deps.ports;
    this.#hostResources = new HostResources(deps.capacity);
    this.#imageKeeper = new ImageKeeper({
      images: deps.ports.images,
      store: deps.store,
      logger: deps.logger,
      settings: settings.imageCleanup,
      now: () => deps.ports.now(),
      inUse: () => this.#imagesInUse(),
    });
    this.#rules = taskRules(settings);
    const { signal } = this.#aborter;
    const scope = {
      knowsContainer: (id: ContainerId) => this.#containers.has(id) || this.#lost.isEnding(id),
      knowsTask: (id: TaskId) =>
        this.workers().some(({ state }) => taskIdOf(state.spec.arn) === id) || this.#lost.isEndingTask(id),
      endTasks: (unknown: readonly ListedContainer[]) => this.#lost.end(unknown, signal),
      signal,
    };
    this.#observer = new Observer(
      {
        ports: deps.ports,
        logger: deps.logger,
        known: () =>
          new Map([...this.#containers].map(([id, place]) => [id, place.worker.knownOf(place.container)])),
        onListed: (listed, knownBefore) => this.#onListed(listed, knownBefore),
        sweep: (listed) => sweepLeftovers(deps.ports, deps.logger, listed, scope),
      },
      signal,
    );
    this.#lost = new LostTasks({
      ports: deps.ports,
      store: deps.store,
      logger: deps.logger,
      enqueueReport: (queued) => deps.enqueueReport(queued),
      onEnded: () => this.#observer.ask(),
    });
  }

  /**
   * Goes on with the stored tasks and images. The event stream is opened before anything is looked at (ENG-125): its first
   * event asks for a look at every container, which is how running ones are adopted.
   */
  start(stored: readonly TaskState[], images: readonly ImageUse[] = []): void {
    this.#imageKeeper.start(images);
    for (const state of stored.toSorted((a, b) => a.receivedAt - b.receivedAt)) {
      if (waitsForHost(state)) this.#hostResources.enqueue(state.spec);
      else if (state.known !== 'STOPPED') this.#hostResources.hold(state.spec);
      this.#lastArrival = Math.max(this.#lastArrival, state.receivedAt);
    }
    for (const state of stored.map(withoutFetched))
      this.#add(new TaskWorker(state, this.#workerDependencies()));
    for (const worker of this.#workers.values()) worker.start();
    const { signal } = this.#aborter;
    this.#loops.push(this.#followRuntime(), this.#observer.run(), this.#imageKeeper.run(signal));
  }

  /** Stops working; containers keep running (ENG-127). */
  async close(): Promise<void> {
    this.#aborter.abort(new Error('the agent is stopping'));
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()));
    await Promise.allSettled([...this.#loops, this.#lost.settled()]);
  }

  async accept(
    tasks: readonly { readonly spec: TaskSpec; readonly desired: DesiredStatus }[],
  ): Promise<void> {
    const stopping = tasks.filter((task) => task.desired === 'STOPPED');
    const starting = tasks.filter((task) => task.desired !== 'STOPPED');
    await Promise.all([...stopping, ...starting].map(({ spec, desired }) => this.#take(spec, desired)));
  }

  async reject(arn: TaskArn, reason: string): Promise<void> {
    const report = { task: arn, status: 'STOPPED', reason, containers: [] } as const;
    const [id] = await this.#deps.store.commit([{ kind: 'enqueueReport', report }]);
    if (id !== undefined) this.#deps.enqueueReport({ id, report });
  }

  async stop(arns: readonly TaskArn[]): Promise<void> {
    const known = arns.map((arn) => this.#workers.get(arn)).filter((worker) => worker !== undefined);
    await Promise.all(known.map((worker) => worker.postDurably({ kind: 'stopRequested' })));
  }

  knows(arn: TaskArn): boolean {
    return this.#workers.has(arn);
  }

  desiredRunning(): readonly TaskArn[] {
    return this.workers()
      .filter((worker) => worker.state.desired === 'RUNNING')
      .map((worker) => worker.state.spec.arn);
  }

  /** What a task waits for that waits for its share of the host. */
  hostWaitOf(arn: TaskArn): HostWait | undefined {
    return this.#hostResources.waitOf(arn);
  }

  /** Credentials of a role of the task have come: what waits for them need not wait any longer. */
  credentialsArrived(arn: string): void {
    this.#workers.get(taskArn(arn))?.retryNow();
  }

  /** Every task with its state and its steps, for introspection. */
  workers(): readonly TaskWorker[] {
    return [...this.#workers.values()];
  }

  /** ECS accepted, or for good refused, a report of that task. */
  reportSettled(arn: TaskArn): void {
    this.#workers.get(arn)?.post({ kind: 'reportSettled' });
  }

  async #take(given: TaskSpec, desired: DesiredStatus): Promise<void> {
    const known = this.#workers.get(given.arn);
    if (known !== undefined) {
      if (desired === 'STOPPED') await known.postDurably({ kind: 'stopRequested' });
      else await known.admitted;
      return;
    }
    const { ports } = this.#deps;
    const refusal = refusalOf(given, ports, this.#deps.capacity);
    const spec = ports.runtime.info.joinsNetworkBy === 'container' ? withNetworkPause(given) : given;
    const { state, reports } = admitTask(spec, desired, refusal, this.#arrival());
    const worker = new TaskWorker(state, this.#workerDependencies());
    this.#add(worker);
    if (waitsForHost(state)) this.#hostResources.enqueue(spec);
    try {
      await worker.admit(reports);
    } catch (error) {
      this.#remove(worker);
      this.#hostResources.release(spec.arn);
      throw error;
    }
    worker.start();
  }

  /** Epoch ms; no two tasks have the same, so that their order outlives the agent. */
  #arrival(): number {
    this.#lastArrival = Math.max(this.#deps.ports.now(), this.#lastArrival + 1);
    return this.#lastArrival;
  }

  #workerDependencies(): WorkerDependencies {
    const { ports, store, logger, measures } = this.#deps;
    return {
      ports,
      store,
      logger,
      rules: this.#rules,
      ...(measures !== undefined && { measures }),
      hostResources: this.#hostResources,
      imageKeeper: this.#imageKeeper,
      enqueueReport: (queued) => this.#deps.enqueueReport(queued),
      onStep: this.#deps.onStep,
      onForgotten: (worker) => {
        this.#remove(worker);
        // Never rejects.
        void this.#imageKeeper.letGo(worker.state.containers.flatMap(({ imageId }) => imageId ?? []));
        this.#deps.ports.secrets.forget(worker.state.spec.arn);
        this.#deps.onTaskGone(worker.state.spec.arn);
      },
    };
  }

  /** Images of containers that are, or are to be; a container that was removed has let go of its own. */
  #imagesInUse(): ImagesInUse {
    const { images } = this.#deps.ports;
    const ids = new Set<string>();
    const names = new Set<string>();
    for (const { state } of this.#workers.values()) {
      for (const container of state.containers) {
        if (container.remains === 'removed') continue;
        if (container.imageId !== undefined) ids.add(container.imageId);
        const image = state.spec.containers.find(({ name }) => name === container.name)?.image;
        if (image !== undefined) names.add(images.nameOf(image));
      }
    }
    return { ids, names };
  }

  #add(worker: TaskWorker): void {
    const { spec, containers } = worker.state;
    this.#workers.set(spec.arn, worker);
    for (const { name, generation } of containers)
      this.#containers.set(containerIdOf(spec.arn, name, generation), { worker, container: name });
  }

  #remove(worker: TaskWorker): void {
    const { spec, containers } = worker.state;
    this.#workers.delete(spec.arn);
    for (const { name, generation } of containers)
      this.#containers.delete(containerIdOf(spec.arn, name, generation));
  }

  async #followRuntime(): Promise<void> {
    const { signal } = this.#aborter;
    while (!signal.aborted) {
      try {
        for await (const event of this.#deps.ports.runtime.events({ signal })) this.#onRuntimeEvent(event);
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.logger.warn({ err: error }, 'event stream of the runtime broke; opening it again');
      }
      await sleep(EVENT_STREAM_RETRY_MS, signal).catch(() => {});
    }
  }

  #onRuntimeEvent(event: RuntimeEvent): void {
    switch (event.kind) {
      case 'resync':
        this.#observer.ask();
        return;
      case 'exited': {
        const place = this.#containers.get(event.id);
        place?.worker.post({ kind: 'containerStopped', container: place.container, exit: event.exit });
        return;
      }
      case 'oom':
        this.#deps.logger.warn({ containerId: event.id }, 'a process of the container ran out of memory');
    }
  }

  #onListed(
    listed: readonly ListedContainer[],
    knownBefore: ReadonlyMap<ContainerId, ContainerStatus>,
  ): void {
    const observations = new Map(listed.map(({ id, observation }) => [id, observation]));
    for (const [id, known] of knownBefore) {
      const place = this.#containers.get(id);
      place?.worker.post({
        kind: 'containerObserved',
        container: place.container,
        observation: observations.get(id) ?? { state: 'absent' },
        knownBefore: known,
      });
    }
    for (const worker of this.#workers.values()) worker.retryNow();
  }
}
