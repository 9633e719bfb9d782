import { Backoff } from '../../async/backoff.ts';
import { sleep } from '../../async/deadline.ts';
import { z } from '../../schema.ts';
import type { ContainerId } from '../../task/ids.ts';
import { containerId } from '../../task/ids.ts';
import { EventFeed } from '../event-feed.ts';
import type { ContainerExit } from '../runtime.ts';
import type { DockerClient } from './docker-client.ts';
import { type DockerContainers, exitOf } from './docker-containers.ts';
import { eventSchema, LABEL_ID, LABEL_OWNER } from './docker-documents.ts';
import { jsonLines } from './json-lines.ts';

const RETRY = { minMs: 50, maxMs: 5_000, factor: 2, jitter: 0.2 };

/**
 * dockerd's events as the port tells them, over any number of connections: each new one begins with a `resync`.
 * The exit of a container comes once, and never before its start was told.
 */
export class DockerEvents {
  readonly feed = new EventFeed();
  readonly #client: DockerClient;
  readonly #containers: DockerContainers;
  readonly #owner: string;
  readonly #stopped = new AbortController();
  /** The last run whose exit was told. */
  readonly #told = new Map<ContainerId, number>();
  /** Exits of containers whose start is not told yet. */
  readonly #held = new Map<ContainerId, ContainerExit | undefined>();
  #running: Promise<void> = Promise.resolve();

  constructor(client: DockerClient, containers: DockerContainers, owner: string) {
    this.#client = client;
    this.#containers = containers;
    this.#owner = owner;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error('the agent is stopping'));
    await this.#running;
  }

  /** From now on the container's exit is kept back, until `release`. */
  hold(id: ContainerId): void {
    if (!this.#held.has(id)) this.#held.set(id, undefined);
  }

  /** The start is told, or has failed; an exit that came meanwhile is told. */
  release(id: ContainerId): void {
    const exit = this.#held.get(id);
    this.#held.delete(id);
    if (exit !== undefined) this.tell(id, exit);
  }

  /** Tells an exit that is known from elsewhere, unless it was told. */
  tell(id: ContainerId, exit: ContainerExit): void {
    if (this.#held.has(id)) {
      this.#held.set(id, exit);
      return;
    }
    const { run = 0 } = exit;
    if (run <= (this.#told.get(id) ?? -1)) return;
    this.#told.set(id, run);
    this.feed.publish({ kind: 'exited', id, exit });
  }

  forget(id: ContainerId): void {
    this.#told.delete(id);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const backoff = new Backoff(RETRY);
    while (!signal.aborted) {
      try {
        await this.#follow(signal, () => backoff.reset());
      } catch {
        // Whoever needs the daemon now is told by the call that fails; events go on when it is back.
      }
      this.feed.goDark();
      await sleep(backoff.next(), signal).catch(() => undefined);
    }
  }

  async #follow(signal: AbortSignal, onLive: () => void): Promise<void> {
    const filters = { type: ['container'], event: ['die', 'oom'], label: [`${LABEL_OWNER}=${this.#owner}`] };
    const stream = await this.#client.stream('GET', '/events', {
      query: { filters: JSON.stringify(filters) },
      signal,
    });
    onLive();
    this.feed.goLive();
    for await (const line of jsonLines(stream)) {
      const event = eventSchema.safeParse(line);
      const id = z.string().safeParse(event.data?.Actor.Attributes[LABEL_ID]).data;
      if (event.data === undefined || id === undefined) continue;
      if (event.data.Action === 'oom') this.feed.publish({ kind: 'oom', id: containerId(id) });
      // In the order in which they end; one that hangs has its own deadline.
      else await this.#onDie(containerId(id), signal).catch(() => this.feed.publish({ kind: 'resync' }));
    }
  }

  async #onDie(id: ContainerId, signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
    const container = await this.#containers.inspect(id, deadline);
    const exit = container && exitOf(container);
    if (exit !== undefined) this.tell(id, exit);
  }
}
