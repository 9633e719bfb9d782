import type { TaskEvent } from '../task/event.ts';

/** An event on its way to its task; `durable` settles with what the event made of it. */
export interface Posted {
  readonly event: TaskEvent;
  readonly durable?: PromiseWithResolvers<void>;
}

/**
 * What has happened to a task and was not taken into account yet. Exits that come while the start of their
 * container is under way are kept back until it has ended: they count after it.
 */
export class Inbox {
  readonly #isStarting: (container: string) => boolean;
  #posted: Posted[] = [];
  #early: TaskEvent[] = [];

  constructor(isStarting: (container: string) => boolean) {
    this.#isStarting = isStarting;
  }

  /** Gives whether there is something to be taken that was not there before. */
  post(posted: Posted): boolean {
    const { event } = posted;
    const isEarly = event.kind === 'containerStopped' && this.#isStarting(event.container);
    if (isEarly) this.#early.push(event);
    else this.#posted.push(posted);
    return !isEarly;
  }

  /** What a step has made true comes before everything that was kept back for it. */
  deliver(event: TaskEvent): void {
    this.#posted.push({ event });
  }

  /** A start has ended: what was kept back is posted again. */
  releaseEarly(): void {
    const early = this.#early;
    this.#early = [];
    for (const event of early) this.post({ event });
  }

  take(): readonly Posted[] {
    const batch = this.#posted;
    this.#posted = [];
    return batch;
  }
}
