import { steadyNow } from '../../async/clock.ts';
import { sleep } from '../../async/deadline.ts';
import type { ContainerExit } from '../../task/container-facts.ts';
import { TaskError } from '../../task/errors.ts';
import type { ContainerId } from '../../task/ids.ts';
import type {
  CallOptions,
  ContainerLimits,
  ContainerObservation,
  ContainerRuntime,
  CreateContainer,
  ExecRequest,
  ExecResult,
  LimitsChange,
  ListedContainer,
  RuntimeEvent,
  RuntimeInfo,
  StartedContainer,
  StartOptions,
  StopContainer,
} from '../runtime.ts';

/** What a fake process does, by the container's command. */
export interface FakeBehaviour {
  /** Ends by itself after this long with this code; absent: runs until stopped. */
  readonly exitAfterMs?: number;
  readonly exitCode?: number;
  /** Does not obey the stop signal. */
  readonly ignoresStop?: boolean;
  readonly failsToStart?: string;
}

interface FakeContainer {
  request: CreateContainer;
  observation: ContainerObservation;
  starts: number;
  gone: PromiseWithResolvers<ContainerExit>;
}

/** Calls that a test can hold up or fail. */
export type FakeCall = 'create' | 'start' | 'stop' | 'release' | 'remove' | 'list' | 'exec';

/**
 * A runtime in memory for faults that cannot be made for real: calls that hang, events that are late, a
 * runtime that forgets. Keeps the port's contract otherwise.
 */
export class FakeRuntime implements ContainerRuntime {
  readonly info: RuntimeInfo;
  readonly #containers = new Map<ContainerId, FakeContainer>();
  readonly #behaviour: (request: CreateContainer) => FakeBehaviour;
  readonly #hooks = new Map<FakeCall, (id: ContainerId | undefined, signal: AbortSignal) => Promise<void>>();
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();

  /** `traits` are what it says of itself that differs from the usual. */
  constructor(
    behaviour: (request: CreateContainer) => FakeBehaviour = () => ({}),
    traits: Partial<RuntimeInfo> = {},
  ) {
    this.#behaviour = behaviour;
    this.info = {
      name: 'fake',
      version: '1',
      acsDockerVersion: 'containerd',
      network: 'none',
      joinsNetworkBy: 'path',
      fifoLogs: false,
      remembersOverBoot: false,
      ...traits,
    };
  }

  /** Runs before the call's effect; may wait, or reject in its place. */
  onCall(call: FakeCall, hook: (id: ContainerId | undefined, signal: AbortSignal) => Promise<void>): void {
    this.#hooks.set(call, hook);
  }

  clearHook(call: FakeCall): void {
    this.#hooks.delete(call);
  }

  /** How often the container's process was started, in all. */
  starts(id: ContainerId): number {
    return this.#containers.get(id)?.starts ?? 0;
  }

  /** Limits in force, as they were asked for and changed since. */
  limits(id: ContainerId): ContainerLimits {
    const container = this.#containers.get(id);
    if (container === undefined) throw new Error(`no container ${id}`);
    return container.request.limits;
  }

  ids(): readonly ContainerId[] {
    return [...this.#containers.keys()];
  }

  /** Ends a process from outside. */
  end(id: ContainerId, exit: Partial<ContainerExit>): void {
    const container = this.#containers.get(id);
    if (container?.observation.state !== 'running') throw new Error(`${id} is not running`);
    this.#exit(container, { exitedAt: Date.now(), oomKilled: false, ...exit });
  }

  /** The same, and no event tells of it. */
  endUnseen(id: ContainerId, exit: Partial<ContainerExit>): void {
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    this.end(id, exit);
    for (const listener of listeners) this.#listeners.add(listener);
  }

  async ping(): Promise<void> {}

  async createContainer(request: CreateContainer, { signal }: CallOptions): Promise<void> {
    await this.#before('create', request.id, signal);
    if (this.#containers.has(request.id)) return;
    this.#containers.set(request.id, {
      request,
      observation: { state: 'created' },
      starts: 0,
      gone: Promise.withResolvers(),
    });
  }

  async startContainer(
    id: ContainerId,
    { signal, afterRun = -1, beforeProcess }: StartOptions,
  ): Promise<StartedContainer> {
    await this.#before('start', id, signal);
    const container = this.#containers.get(id);
    if (container === undefined) throw new TaskError('CannotStartContainerError', `no container ${id}`);
    const over = container.observation.state === 'exited' && container.starts - 1 <= afterRun;
    if (container.observation.state === 'created' || over) {
      await beforeProcess?.({ signal });
      const behaviour = this.#behaviour(container.request);
      if (behaviour.failsToStart !== undefined)
        throw new TaskError('CannotStartContainerError', behaviour.failsToStart);
      container.starts++;
      container.gone = Promise.withResolvers();
      container.observation = { state: 'running', pid: 1000 + this.#containers.size };
      if (behaviour.exitAfterMs !== undefined) this.#exitLater(container, behaviour);
    }
    return { pid: 1000, startedAt: Date.now() };
  }

  async stopContainer(
    id: ContainerId,
    { killAtMs }: StopContainer,
    { signal }: CallOptions,
  ): Promise<ContainerExit | undefined> {
    await this.#before('stop', id, signal);
    const container = this.#containers.get(id);
    if (container?.observation.state === 'exited') return container.observation.exit;
    if (container?.observation.state !== 'running') return undefined;
    const ignores = this.#behaviour(container.request).ignoresStop === true || killAtMs <= steadyNow();
    if (ignores) await sleep(Math.max(0, killAtMs - steadyNow()), signal);
    this.#exit(container, { exitCode: ignores ? 137 : 143, exitedAt: Date.now(), oomKilled: false });
    return await container.gone.promise;
  }

  async observeContainer(id: ContainerId): Promise<ContainerObservation> {
    return this.#containers.get(id)?.observation ?? { state: 'absent' };
  }

  async listContainers({ signal }: CallOptions): Promise<readonly ListedContainer[]> {
    await this.#before('list', undefined, signal);
    return [...this.#containers].map(([id, { request, observation }]) => ({
      id,
      labels: request.labels,
      observation,
      ...(request.keepsake !== undefined && { keepsake: request.keepsake }),
    }));
  }

  async releaseContainer(id: ContainerId, { signal }: CallOptions): Promise<void> {
    await this.#before('release', id, signal);
    const container = this.#containers.get(id);
    if (container?.observation.state === 'exited') container.observation = { state: 'released' };
  }

  async removeContainer(id: ContainerId, { signal }: CallOptions): Promise<void> {
    await this.#before('remove', id, signal);
    const container = this.#containers.get(id);
    if (container?.observation.state === 'running')
      this.#exit(container, { exitCode: 137, exitedAt: Date.now(), oomKilled: false });
    this.#containers.delete(id);
  }

  async updateLimits(id: ContainerId, change: LimitsChange): Promise<void> {
    const container = this.#containers.get(id);
    if (container?.observation.state !== 'running') throw new TaskError('NoSuchContainerError', id);
    container.request = { ...container.request, limits: { ...container.request.limits, ...change } };
  }

  async exec(id: ContainerId, request: ExecRequest, { signal }: CallOptions): Promise<ExecResult> {
    await this.#before('exec', id, signal);
    if (this.#containers.get(id)?.observation.state !== 'running')
      throw new TaskError('NoSuchContainerError', id);
    return { exitCode: 0, output: request.args.join(' ') };
  }

  async *events({ signal }: CallOptions): AsyncIterable<RuntimeEvent> {
    const queue: RuntimeEvent[] = [{ kind: 'resync' }];
    let wake = Promise.withResolvers<void>();
    const listener = (event: RuntimeEvent) => {
      queue.push(event);
      wake.resolve();
    };
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => wake.resolve(), { once: true });
    try {
      while (!signal.aborted) {
        yield* queue.splice(0);
        await wake.promise;
        wake = Promise.withResolvers<void>();
      }
    } finally {
      this.#listeners.delete(listener);
    }
  }

  async close(): Promise<void> {}

  /** Tells listeners that events may have been lost. */
  resync(): void {
    for (const listener of this.#listeners) listener({ kind: 'resync' });
  }

  async #before(call: FakeCall, id: ContainerId | undefined, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#hooks.get(call)?.(id, signal);
  }

  #exitLater(container: FakeContainer, { exitAfterMs = 0, exitCode = 0 }: FakeBehaviour): void {
    const timer = setTimeout(() => {
      this.#exit(container, { exitCode, exitedAt: Date.now(), oomKilled: false });
    }, exitAfterMs);
    timer.unref();
  }

  #exit(container: FakeContainer, how: ContainerExit): void {
    if (container.observation.state !== 'running') return;
    const exit = { ...how, run: container.starts - 1 };
    container.observation = { state: 'exited', exit };
    container.gone.resolve(exit);
    for (const listener of this.#listeners) listener({ kind: 'exited', id: container.request.id, exit });
  }
}
