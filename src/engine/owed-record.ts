import type { StateReport } from '../task/report.ts';
import { RECORDED_FIRST, type Step } from '../task/step.ts';
import type { Transition } from '../task/timeline.ts';
import type { Posted } from './inbox.ts';

/** How long what nothing waits for may stay in memory alone. */
const LONGEST_MS = 10;

/**
 * What has become of a task since its record was last written. Moves that nothing is built on yet wait for the next
 * write: a start then costs three of them, not seven. Whatever touches a container is begun only once all is durable.
 */
export class OwedRecord {
  readonly reports: StateReport[] = [];
  readonly moves: Transition[] = [];
  /** Events that are taken into account and whose outcome is not durable. */
  readonly posted: Posted[] = [];
  /** Epoch ms. */
  readonly #since: number;

  constructor(since: number) {
    this.#since = since;
  }

  /** Epoch ms at which it has to be written whatever happens. */
  get dueAt(): number {
    return this.#since + LONGEST_MS;
  }

  /** Whether it has to be written now: somebody waits for it, ECS is to be told, or a step stands on it. */
  isDue(steps: readonly Step[], now: number): boolean {
    return (
      now >= this.dueAt ||
      this.posted.some(({ durable }) => durable !== undefined) ||
      this.reports.some(({ status }) => status === 'RUNNING' || status === 'STOPPED') ||
      steps.some(({ kind }) => RECORDED_FIRST.has(kind))
    );
  }
}
