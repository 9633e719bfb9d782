import { type FSWatcher, watch } from 'node:fs';

/** The file system may fail to tell of a change: then it is looked at after this. */
const LOOK_MS = 250;

/** Tells of changes in a directory; it need not exist yet. */
export class DirectoryChange {
  readonly #path: string;
  #watcher: FSWatcher | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves at the first change after this call, or after LOOK_MS, or when the signal aborts. */
  async next(signal: AbortSignal | undefined): Promise<void> {
    this.#changed = Promise.withResolvers();
    const { promise, resolve } = this.#changed;
    this.#watch();
    const onAbort = () => resolve();
    const timer = setTimeout(resolve, LOOK_MS);
    signal?.addEventListener('abort', onAbort, { once: true });
    await promise;
    signal?.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }

  close(): void {
    this.#watcher?.close();
    this.#changed.resolve();
  }

  #watch(): void {
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(this.#path, () => this.#changed.resolve());
      this.#watcher.on('error', () => {});
    } catch {
      this.#watcher = undefined;
    }
  }
}
