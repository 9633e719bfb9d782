import { Backoff } from '../async/backoff.ts';
import { ABANDONABLE_STEPS, type Step, type StepKind, stepContainer } from '../task/step.ts';
import type { StepUnderWay, StuckStep } from '../task/why.ts';

interface Running {
  readonly step: Step;
  readonly controller: AbortController;
  readonly startedAt: number;
}

interface Stuck {
  readonly info: StuckStep;
  readonly backoff: Backoff;
}

/** Between two tries of a step. */
const RETRY = { minMs: 100, maxMs: 30_000, factor: 2, jitter: 0.2 };

/**
 * The steps of one task that are under way or wait for their next try: one at a time for each container, one
 * at a time for the task as a whole.
 */
export class RunningSteps {
  readonly #running = new Map<string, Running>();
  readonly #stuck = new Map<string, Stuck>();
  readonly #random: () => number;

  /** `random` gives numbers in [0, 1): how much longer than the least a wait is. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /**
   * Compares with what is wanted now: abandons what may be abandoned and is not wanted any more, gives the
   * steps that may start, and when to look again.
   */
  reconcile(
    wanted: readonly Step[],
    now: number,
  ): { readonly start: readonly Step[]; readonly wakeAt: number } {
    const byLane = new Map(wanted.map((step) => [lane(step), step]));
    for (const [key, running] of this.#running)
      if (byLane.get(key)?.kind !== running.step.kind && ABANDONABLE_STEPS.has(running.step.kind))
        running.controller.abort(new Error('not wanted any more'));
    for (const [key, stuck] of this.#stuck)
      if (byLane.get(key)?.kind !== stuck.info.kind) this.#stuck.delete(key);
    const start: Step[] = [];
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const [key, step] of byLane) {
      if (this.#running.has(key)) continue;
      const retryAt = this.#stuck.get(key)?.info.retryAt ?? 0;
      if (retryAt > now) wakeAt = Math.min(wakeAt, retryAt);
      else start.push(step);
    }
    return { start, wakeAt };
  }

  /** Marks a step as under way; gives the signal at which it is given up. */
  begin(step: Step, now: number): AbortSignal {
    const controller = new AbortController();
    this.#running.set(lane(step), { step, controller, startedAt: now });
    return controller.signal;
  }

  /** Gives up all that is under way. */
  abort(reason: Error): void {
    for (const { controller } of this.#running.values()) controller.abort(reason);
  }

  /**
   * The step is over and what it made true is taken into account, or nothing will come of it; no try is waiting
   * any more. Not earlier: a plan that does not know of its end yet would begin it again.
   */
  retire(step: Step): void {
    this.#running.delete(lane(step));
    this.#stuck.delete(lane(step));
  }

  /** The step is over and will be tried again after a growing delay. */
  postpone(step: Step, error: unknown, now: number): StuckStep {
    const key = lane(step);
    this.#running.delete(key);
    const before = this.#stuck.get(key);
    const backoff = before?.backoff ?? new Backoff(RETRY, this.#random);
    const container = stepContainer(step);
    const info: StuckStep = {
      kind: step.kind,
      ...(container !== undefined && { container }),
      since: before?.info.since ?? now,
      tries: (before?.info.tries ?? 0) + 1,
      error: error instanceof Error ? error.message : String(error),
      retryAt: now + backoff.next(),
    };
    this.#stuck.set(key, { info, backoff });
    return info;
  }

  isRunning(kind: StepKind, container: string): boolean {
    return this.#running.get(laneOf(container))?.step.kind === kind;
  }

  /** Lets every waiting step try at once; for when the cause of the trouble is known to be over. */
  retryNow(): void {
    for (const [key, { info, backoff }] of this.#stuck)
      this.#stuck.set(key, { info: { ...info, retryAt: 0 }, backoff });
  }

  underWay(): readonly StepUnderWay[] {
    return [...this.#running.values()].map(({ step, startedAt }) => {
      const container = stepContainer(step);
      return { kind: step.kind, since: startedAt, ...(container !== undefined && { container }) };
    });
  }

  stuck(): readonly StuckStep[] {
    return [...this.#stuck.values()].map(({ info }) => info);
  }
}

/** Probes and the fetching of secrets have lanes of their own: a stop does not wait for them. */
const lane = (step: Step) => {
  const container = stepContainer(step);
  if (step.kind === 'fetchSecrets') return step.kind;
  if (step.kind === 'probeHealth') return `health ${container}`;
  return container === undefined ? 'task' : laneOf(container);
};
const laneOf = (container: string) => `container ${container}`;
