import { type ContainerId, containerId } from '../../task/ids.ts';
import { EventFeed } from '../event-feed.ts';
import type { ContainerdClient } from './client.ts';
import { ContainerWatch, type WatchedRun } from './container-watch.ts';
import { EventLink } from './event-link.ts';
import { deleteUnfinishedLeases } from './leases.ts';
import type { RuntimeLog } from './runtime-log.ts';
import type { ShimNotes } from './shim/shim-notes.ts';

/**
 * The containers whose end is waited for, by id, and the one event stream that helps. A watch stays until the
 * container's process record is freed: till then it remembers how the container ended.
 */
export class ContainerWatches {
  readonly feed = new EventFeed();
  readonly #client: ContainerdClient;
  readonly #shims: ShimNotes;
  readonly #log: RuntimeLog;
  readonly #link: EventLink;
  readonly #watches = new Map<ContainerId, ContainerWatch>();

  constructor(client: ContainerdClient, shims: ShimNotes, log: RuntimeLog) {
    this.#client = client;
    this.#shims = shims;
    this.#log = log;
    this.#link = new EventLink(
      client,
      {
        onConnected: () => {
          this.feed.goLive();
          void deleteUnfinishedLeases(client);
        },
        onDisconnected: () => this.feed.goDark(),
        onExit: (id, exitStatus, exitedAt) =>
          this.#watches.get(containerId(id))?.noteExit(exitStatus, exitedAt),
        onOom: (id) => this.#onOom(id),
      },
      log,
    );
  }

  start(): void {
    this.#link.start();
  }

  /** Ends all waiting; containers keep running. */
  async stop(): Promise<void> {
    for (const watch of this.#watches.values()) watch.abandon();
    this.#watches.clear();
    await this.#link.stop();
  }

  find(id: ContainerId): ContainerWatch | undefined {
    return this.#watches.get(id);
  }

  /** A new watch, not begun yet, in the place of any before it. */
  create(id: ContainerId, run: WatchedRun): ContainerWatch {
    this.forget(id);
    const watch = new ContainerWatch(id, run, {
      client: this.#client,
      shims: this.#shims,
      log: this.#log,
      whenConnected: () => this.#link.whenConnected(),
      onExit: (exit) => this.feed.publish({ kind: 'exited', id, exit }),
    });
    this.#watches.set(id, watch);
    return watch;
  }

  /** The watch there is, or a new one that waits and publishes. */
  adopt(id: ContainerId, run: WatchedRun): ContainerWatch {
    const known = this.#watches.get(id);
    if (known !== undefined) return known;
    const watch = this.create(id, run);
    watch.begin();
    watch.release();
    return watch;
  }

  forget(id: ContainerId): void {
    this.#watches.get(id)?.abandon();
    this.#watches.delete(id);
  }

  #onOom(name: string): void {
    const id = containerId(name);
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    watch.noteOom();
    this.feed.publish({ kind: 'oom', id });
  }
}
