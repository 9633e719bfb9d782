import type { TaskEvent } from '../task/event.ts';
import type { Step } from '../task/step.ts';

/** An event on its way to its task. */
export interface Posted {
  readonly event: TaskEvent;
  /** Settles with what the event made of the task. */
  readonly durable?: PromiseWithResolvers<void>;
  /** The step that ended with it: until it is taken into account the plan may still name that step. */
  readonly step?: Step;
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

  /** Posts again what was kept back; gives whether some of it is no longer early. */
  releaseEarly(): boolean {
    const early = this.#early;
    this.#early = [];
    return early.map((event) => this.post({ event })).includes(true);
  }

  take(): readonly Posted[] {
    const batch = this.#posted;
    this.#posted = [];
    return batch;
  }
}
