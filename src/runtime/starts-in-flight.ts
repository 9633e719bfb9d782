import { abortable } from '../async/abortable.ts';
import { steadyNow } from '../async/clock.ts';
import { sleep } from '../async/deadline.ts';
import { TaskError } from '../task/errors.ts';
import type { ContainerId } from '../task/ids.ts';

/** Both ends of a start: `signal` is the caller's, `cancel` cuts a hanging runtime off. */
export interface StartSignals {
  readonly signal: AbortSignal;
  readonly cancel: AbortSignal;
}

interface Start {
  /** Asks it to give up at the next safe point. */
  readonly giveUp: AbortController;
  /** Cuts the runtime off in the middle of a call. */
  readonly cut: AbortController;
  readonly done: Promise<void>;
}

/**
 * Starts that run right now. The caller of one may go away, its work goes on to a safe point: a stop that
 * follows waits for that, or a process could come up behind its back.
 */
export class StartsInFlight {
  readonly #starts = new Map<ContainerId, Start>();

  /** Runs a start, after an earlier one of the same container that is still being undone. */
  async run<T>(
    id: ContainerId,
    signal: AbortSignal,
    work: (signals: StartSignals) => Promise<T>,
  ): Promise<T> {
    for (let earlier = this.#starts.get(id); earlier !== undefined; earlier = this.#starts.get(id))
      await abortable(earlier.done, signal);
    const giveUp = new AbortController();
    const cut = new AbortController();
    const result = work({ signal: AbortSignal.any([signal, giveUp.signal]), cancel: cut.signal });
    const end = (): void => {
      this.#starts.delete(id);
    };
    this.#starts.set(id, { giveUp, cut, done: result.then(end, end) });
    return await abortable(result, signal);
  }

  /** Ends a start of this container, if one runs: gently until `cutAtMs` (epoch ms), then by force. */
  async end(id: ContainerId, cutAtMs: number, signal: AbortSignal): Promise<void> {
    const start = this.#starts.get(id);
    if (start === undefined) return;
    const stopped = new TaskError(
      'CannotStartContainerError',
      'the container was stopped before it had started',
    );
    start.giveUp.abort(stopped);
    const timer = new AbortController();
    sleep(Math.max(0, cutAtMs - steadyNow()), timer.signal).then(
      () => start.cut.abort(stopped),
      () => undefined,
    );
    try {
      await abortable(start.done, signal);
    } finally {
      timer.abort(new Error('the start has ended'));
    }
  }
}
