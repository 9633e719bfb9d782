/** One piece of work that several callers wait for. */
interface Job<Progress, Result> {
  readonly controller: AbortController;
  readonly result: Promise<Result>;
  readonly listeners: Set<(progress: Progress) => void>;
  waiters: number;
  latest: Progress | undefined;
}

export interface JoinOptions<Progress> {
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/**
 * Runs work of the same key once, however many ask for it meanwhile (task-engine.md §8.4). Each caller may leave by
 * its own signal; the work is aborted when the last one has left, and that one waits until it has cleaned up.
 */
export class SharedWork<Progress, Result> {
  readonly #jobs = new Map<string, Job<Progress, Result>>();
  readonly #running = new Set<Promise<unknown>>();

  /** Joins the work of `key`, starting it if there is none. A late joiner is told the latest progress at once. */
  async join(
    key: string,
    options: JoinOptions<Progress>,
    work: (signal: AbortSignal, publish: (progress: Progress) => void) => Promise<Result>,
  ): Promise<Result> {
    const { signal, onProgress } = options;
    signal.throwIfAborted();
    const job = this.#jobs.get(key) ?? this.#start(key, work);
    job.waiters += 1;
    if (onProgress !== undefined) {
      job.listeners.add(onProgress);
      if (job.latest !== undefined) onProgress(job.latest);
    }
    const left = Promise.withResolvers<never>();
    const leave = () => {
      if (onProgress !== undefined) job.listeners.delete(onProgress);
      job.waiters -= 1;
      if (job.waiters > 0) return left.reject(signal.reason);
      if (this.#jobs.get(key) === job) this.#jobs.delete(key);
      job.controller.abort(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([job.result, left.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
      if (onProgress !== undefined) job.listeners.delete(onProgress);
    }
  }

  /** Aborts all work and waits until it has cleaned up. */
  async close(reason: Error): Promise<void> {
    for (const job of this.#jobs.values()) job.controller.abort(reason);
    await Promise.allSettled(this.#running);
  }

  #start(
    key: string,
    work: (signal: AbortSignal, publish: (progress: Progress) => void) => Promise<Result>,
  ): Job<Progress, Result> {
    const controller = new AbortController();
    const listeners = new Set<(progress: Progress) => void>();
    const publish = (progress: Progress) => {
      job.latest = progress;
      for (const listener of listeners) listener(progress);
    };
    const begin = async () => {
      // In a turn of its own: `job` is not there yet in this one.
      await Promise.resolve();
      controller.signal.throwIfAborted();
      return await work(controller.signal, publish);
    };
    const result = begin().finally(() => {
      if (this.#jobs.get(key) === job) this.#jobs.delete(key);
      this.#running.delete(settled);
    });
    const settled = result.catch(() => undefined);
    this.#running.add(settled);
    const job: Job<Progress, Result> = { controller, result, listeners, waiters: 0, latest: undefined };
    this.#jobs.set(key, job);
    return job;
  }
}
