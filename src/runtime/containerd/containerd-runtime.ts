import { RuntimeUnavailableError, TaskError, type TaskErrorCode } from '../../task/errors.ts';
import type { ContainerId } from '../../task/ids.ts';
import { withCallersWork } from '../before-process.ts';
import type {
  CallOptions,
  ContainerExit,
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
import { StartsInFlight } from '../starts-in-flight.ts';
import { atPort, ContainerdError, hasCode } from './containerd-error.ts';
import { createContainer } from './create-container.ts';
import { execInContainer } from './exec.ts';
import { listContainers, observeContainer } from './observe-container.ts';
import { releaseContainer, removeContainer } from './remove-container.ts';
import type { RuntimeContext } from './runtime-context.ts';
import { SerialWork } from './serial-work.ts';
import { startContainer } from './start-container.ts';
import { stopContainer } from './stop-container.ts';
import { updateLimits } from './update-limits.ts';

/** The ContainerRuntime port on containerd. Made by `openContainerd`. */
export class ContainerdRuntime implements ContainerRuntime {
  readonly info: RuntimeInfo;
  readonly #context: RuntimeContext;
  readonly #records = new SerialWork<ContainerId>();
  readonly #starts = new StartsInFlight();
  readonly #created = new Set<ContainerId>();

  constructor(context: RuntimeContext, version: string) {
    this.#context = context;
    this.info = {
      name: 'containerd',
      version,
      acsDockerVersion: 'containerd',
      network: 'none',
      joinsNetworkBy: 'path',
      fifoLogs: true,
      remembersOverBoot: false,
    };
  }

  /** The connection, for the image service of the same containerd. */
  get client(): RuntimeContext['client'] {
    return this.#context.client;
  }

  get snapshotter(): string {
    return this.#context.snapshotter;
  }

  async ping({ signal }: CallOptions): Promise<void> {
    await told('CannotDescribeContainerError', signal, () =>
      this.#context.client.unary('version', 'Version', {}, { signal }),
    );
  }

  async createContainer(request: CreateContainer, { signal }: CallOptions): Promise<void> {
    await told('CannotCreateContainerError', signal, () =>
      this.#records.run(request.id, () => createContainer(this.#context, request, signal)),
    );
    this.#created.add(request.id);
  }

  async startContainer(
    id: ContainerId,
    { signal, afterRun, beforeProcess }: StartOptions,
  ): Promise<StartedContainer> {
    return await withCallersWork(beforeProcess, (callersWork) =>
      told('CannotStartContainerError', signal, () =>
        this.#starts.run(id, signal, async (signals) => {
          try {
            return await startContainer(this.#context, id, signals, {
              ...(afterRun !== undefined && { afterRun }),
              ...(callersWork !== undefined && { beforeProcess: callersWork }),
              isOurs: this.#created.has(id),
            });
          } finally {
            // After the caller's continuation: an exit never comes before the start it belongs to (CTD-63).
            setImmediate(() => this.#context.watches.find(id)?.release());
          }
        }),
      ),
    );
  }

  async stopContainer(
    id: ContainerId,
    request: StopContainer,
    { signal }: CallOptions,
  ): Promise<ContainerExit | undefined> {
    return await told('CannotStopContainerError', signal, async () => {
      await this.#starts.end(id, request.killAtMs, signal);
      return await stopContainer(this.#context, id, request, signal);
    });
  }

  async observeContainer(id: ContainerId, { signal }: CallOptions): Promise<ContainerObservation> {
    return await told('CannotInspectContainerError', signal, () =>
      observeContainer(this.#context, id, signal),
    );
  }

  async listContainers({ signal }: CallOptions): Promise<readonly ListedContainer[]> {
    return await told('CannotListContainersError', signal, () => listContainers(this.#context, signal));
  }

  async releaseContainer(id: ContainerId, { signal }: CallOptions): Promise<void> {
    await told('CannotRemoveContainerError', signal, () => releaseContainer(this.#context, id, signal));
  }

  async removeContainer(id: ContainerId, { signal }: CallOptions): Promise<void> {
    await told('CannotRemoveContainerError', signal, async () => {
      await this.#starts.end(id, 0, signal);
      await this.#records.run(id, () => removeContainer(this.#context, id, signal));
      this.#created.delete(id);
    });
  }

  async updateLimits(id: ContainerId, change: LimitsChange, { signal }: CallOptions): Promise<void> {
    await told('DockerStateError', signal, () =>
      this.#records.run(id, () => updateLimits(this.#context, id, change, signal)),
    );
  }

  async exec(id: ContainerId, request: ExecRequest, { signal }: CallOptions): Promise<ExecResult> {
    return await told('DockerStateError', signal, () => execInContainer(this.#context, id, request, signal));
  }

  events({ signal }: CallOptions): AsyncIterable<RuntimeEvent> {
    return this.#context.watches.feed.subscribe(signal);
  }

  async close(): Promise<void> {
    await this.#context.watches.stop();
    this.#context.client.close();
  }
}

/** Runs a call of the port: what goes wrong comes out as the port's contract says. */
async function told<T>(code: TaskErrorCode, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    const known = atPort(error);
    if (known instanceof TaskError || known instanceof RuntimeUnavailableError) throw known;
    const text =
      error instanceof ContainerdError ? error.details : error instanceof Error ? error.message : '';
    throw new TaskError(code, text, {
      cause: error,
      retryable: hasCode(error, 'DEADLINE_EXCEEDED', 'ABORTED'),
    });
  }
}
