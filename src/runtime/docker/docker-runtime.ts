import { steadyNow } from '../../async/clock.ts';
import { sleep } from '../../async/deadline.ts';
import { z } from '../../schema.ts';
import { TaskError } from '../../task/errors.ts';
import { type ContainerId, containerId } from '../../task/ids.ts';
import type { ReportedFamilies } from '../../task/port-mapping.ts';
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
import { type StartSignals, StartsInFlight } from '../starts-in-flight.ts';
import { createRequest, neededContainers, updateRequest } from './create-request.ts';
import type { DockerClient } from './docker-client.ts';
import { type DockerContainers, exitOf, networkOf, observationOf } from './docker-containers.ts';
import { createdSchema, type DockerContainer, LABEL_KEEPSAKE, timeOf } from './docker-documents.ts';
import { hasStatus, told } from './docker-error.ts';
import type { DockerEvents } from './docker-events.ts';
import { execInContainer } from './docker-exec.ts';
import { ensurePauseImage } from './pause-image.ts';

/** What a runtime on one dockerd is made from. */
export interface DockerContext {
  readonly client: DockerClient;
  readonly containers: DockerContainers;
  readonly events: DockerEvents;
  /** Marks containers as this agent's. */
  readonly owner: string;
  /** Whether bindings of `::` are told. */
  readonly reportedFamilies: ReportedFamilies;
}

/** dockerd gives a start or a kill up by itself; this is for one that never answers. */
const NO_ANSWER_MS = 10 * 60_000;

/** The ContainerRuntime port on dockerd. Made by `openDocker`. */
export class DockerRuntime implements ContainerRuntime {
  readonly info: RuntimeInfo;
  readonly #context: DockerContext;
  readonly #starts = new StartsInFlight();

  constructor(context: DockerContext, version: string, bridge?: string) {
    this.#context = context;
    this.info = {
      name: 'docker',
      version,
      acsDockerVersion: `DockerVersion: ${version}`,
      tcsDockerVersion: version,
      network: 'own',
      ...(bridge !== undefined && { bridge }),
      joinsNetworkBy: 'container',
      fifoLogs: false,
      remembersOverBoot: true,
    };
  }

  async ping({ signal }: CallOptions): Promise<void> {
    await told('CannotDescribeContainerError', signal, () =>
      this.#context.client.send('GET', '/_ping', { signal }),
    );
  }

  async createContainer(request: CreateContainer, { signal }: CallOptions): Promise<void> {
    await told('CannotCreateContainerError', signal, async () => {
      const { client, containers, owner } = this.#context;
      if ((await containers.find(request.id, signal)) !== undefined) return;
      for (const id of neededContainers(request)) await containers.find(id, signal);
      const image = request.pause === true ? await ensurePauseImage(client, signal) : request.image;
      const body = createRequest(request, { owner, image, dockerIdOf: (id) => containers.known(id) });
      try {
        const query = { name: request.name };
        const { Id } = await client.call('POST', '/containers/create', createdSchema, {
          query,
          body,
          signal,
        });
        containers.remember(request.id, Id);
      } catch (error) {
        if (hasStatus(error, 404))
          throw new TaskError('CannotCreateContainerError', `No such image: ${image}`, {
            cause: error,
          });
        // A run that was cut off made it: the name derives from the id (ENG-41).
        if (!hasStatus(error, 409) || (await containers.find(request.id, signal)) === undefined) throw error;
      }
    });
  }

  async startContainer(
    id: ContainerId,
    { signal, afterRun, beforeProcess }: StartOptions,
  ): Promise<StartedContainer> {
    const { events } = this.#context;
    return await withCallersWork(beforeProcess, (callersWork) =>
      told('CannotStartContainerError', signal, () =>
        this.#starts.run(id, signal, async (signals) => {
          events.hold(id);
          try {
            return await this.#start(id, {
              ...signals,
              ...(afterRun !== undefined && { afterRun }),
              ...(callersWork !== undefined && { beforeProcess: callersWork }),
            });
          } finally {
            // After the caller's continuation: an exit never comes before the start it belongs to (CTD-63).
            setImmediate(() => events.release(id));
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
      const container = await this.#context.containers.inspect(id, signal);
      if (container === undefined || container.State.Status === 'created') return undefined;
      if (request.killAtMs > steadyNow()) {
        await this.#kill(container, request.stopSignal ?? stopSignalOf(container), signal);
        const over = new AbortController();
        const wait = AbortSignal.any([signal, over.signal]);
        const alarm = sleep(Math.max(0, request.killAtMs - steadyNow()), wait).then(() => 'late' as const);
        const ended = this.#waitForEnd(container, wait);
        for (const one of [alarm, ended]) one.catch(() => undefined);
        try {
          if ((await Promise.race([alarm, ended])) === 'ended') return await this.#toldExit(id, signal);
        } finally {
          over.abort();
        }
      }
      await this.#kill(container, 'SIGKILL', signal);
      await this.#waitForEnd(container, signal);
      return await this.#toldExit(id, signal);
    });
  }

  async observeContainer(id: ContainerId, { signal }: CallOptions): Promise<ContainerObservation> {
    return await told('CannotInspectContainerError', signal, async () =>
      observationOf(await this.#context.containers.inspect(id, signal), this.#context.reportedFamilies),
    );
  }

  async listContainers({ signal }: CallOptions): Promise<readonly ListedContainer[]> {
    return await told('CannotListContainersError', signal, async () => {
      const { containers, reportedFamilies } = this.#context;
      const listed = await Promise.all(
        (await containers.ids(signal)).map(async (text) => {
          const id = containerId(text);
          const container = await containers.inspect(id, signal);
          if (container === undefined) return [];
          const labels = container.Config.Labels ?? {};
          const keepsake = labels[LABEL_KEEPSAKE];
          const observation = observationOf(container, reportedFamilies);
          return [
            {
              id,
              labels,
              observation,
              ...(keepsake !== undefined && { keepsake: Buffer.from(keepsake, 'base64') }),
            },
          ];
        }),
      );
      return listed.flat();
    });
  }

  /** dockerd holds no process of a container that has ended. */
  async releaseContainer(_id: ContainerId, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
  }

  async removeContainer(id: ContainerId, { signal }: CallOptions): Promise<void> {
    await told('CannotRemoveContainerError', signal, async () => {
      await this.#starts.end(id, 0, signal);
      const { client, containers, events } = this.#context;
      const dockerId = await containers.find(id, signal);
      if (dockerId === undefined) return;
      try {
        await client.send('DELETE', `/containers/${dockerId}`, { query: { force: '1', v: '1' }, signal });
      } catch (error) {
        if (hasStatus(error, 409)) await this.#untilGone(id, signal);
        else if (!hasStatus(error, 404)) throw error;
      }
      containers.forget(id);
      events.forget(id);
    });
  }

  async updateLimits(id: ContainerId, change: LimitsChange, { signal }: CallOptions): Promise<void> {
    await told('HostConfigError', signal, async () => {
      const { client, containers } = this.#context;
      const container = await containers.inspect(id, signal);
      if (container?.State.Status !== 'running')
        throw new TaskError(
          'NoSuchContainerError',
          `container ${id} does not run; its limits cannot be changed`,
        );
      await client.send('POST', `/containers/${container.Id}/update`, {
        body: updateRequest(change),
        signal,
      });
    });
  }

  async exec(id: ContainerId, request: ExecRequest, { signal }: CallOptions): Promise<ExecResult> {
    return await told('DockerStateError', signal, async () => {
      const { client, containers } = this.#context;
      const dockerId = await containers.find(id, signal);
      if (dockerId === undefined)
        throw new TaskError(
          'NoSuchContainerError',
          `No such container: ${id}; it was never created or is removed`,
        );
      return await execInContainer(client, dockerId, request, signal);
    });
  }

  events({ signal }: CallOptions): AsyncIterable<RuntimeEvent> {
    return this.#context.events.feed.subscribe(signal);
  }

  async close(): Promise<void> {
    await this.#context.events.stop();
    this.#context.client.close();
  }

  /** The call is not cut by the caller's signal: dockerd would go on with it behind everybody's back. */
  async #start(
    id: ContainerId,
    { signal, cancel, afterRun, beforeProcess }: StartSignals & StartOptions,
  ): Promise<StartedContainer> {
    const { client, containers, events } = this.#context;
    const dockerId = await containers.find(id, signal);
    if (dockerId === undefined)
      throw new TaskError(
        'CannotStartContainerError',
        `No such container: ${id}; it was never created or is removed`,
      );
    const before = await containers.inspect(id, signal);
    if (before !== undefined && isDue(before, afterRun)) {
      await beforeProcess?.({ signal });
      const limit = AbortSignal.any([cancel, AbortSignal.timeout(NO_ANSWER_MS)]);
      await client.send('POST', `/containers/${dockerId}/start`, { signal: limit });
    }
    const container = await containers.inspect(id, cancel);
    const startedAt = container && timeOf(container.State.StartedAt);
    if (container === undefined || startedAt === undefined)
      throw new TaskError('CannotStartContainerError', container?.State.Error || `No such container: ${id}`);
    const exit = exitOf(container);
    if (exit !== undefined) events.tell(id, exit);
    return {
      pid: container.State.Pid,
      startedAt,
      ...networkOf(container, this.#context.reportedFamilies),
    };
  }

  async #kill({ Id }: DockerContainer, stopSignal: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#context.client.send('POST', `/containers/${Id}/kill`, {
        query: { signal: stopSignal },
        signal,
      });
    } catch (error) {
      // Ended already.
      if (!hasStatus(error, 409, 404)) throw error;
    }
  }

  async #waitForEnd({ Id }: DockerContainer, signal: AbortSignal): Promise<'ended'> {
    try {
      await this.#context.client.call('POST', `/containers/${Id}/wait`, z.unknown(), { signal });
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
    return 'ended';
  }

  async #toldExit(id: ContainerId, signal: AbortSignal): Promise<ContainerExit | undefined> {
    const container = await this.#context.containers.inspect(id, signal);
    const exit = container && exitOf(container);
    if (exit !== undefined) this.#context.events.tell(id, exit);
    return exit;
  }

  /** Somebody else's removal is under way. */
  async #untilGone(id: ContainerId, signal: AbortSignal): Promise<void> {
    while ((await this.#context.containers.inspect(id, signal)) !== undefined) await sleep(20, signal);
  }
}

/** Never started, or ended with the run after which it is to run again. */
function isDue(container: DockerContainer, afterRun: number | undefined): boolean {
  if (container.State.Status === 'created') return true;
  const exit = exitOf(container);
  return exit !== undefined && afterRun !== undefined && (exit.run ?? 0) <= afterRun;
}

function stopSignalOf({ Config }: DockerContainer): string {
  const { StopSignal } = Config;
  return typeof StopSignal === 'string' && StopSignal !== '' ? StopSignal : 'SIGTERM';
}
