import type { TcsAgentMessage } from '../wire/tcs-agent.ts';

/** The requests of one publish cycle; they share one id and go out together, in order. */
export type Cycle = readonly TcsAgentMessage[];

/** Five minutes of cycles: TCS takes nothing older (tcs.md §6.2). */
const CAPACITY = 15;

/** Cycles that wait for a connection. When it is full the new cycle is dropped, not an old one (TCS-61). */
export class CycleQueue {
  readonly #cycles: Cycle[] = [];

  /** False when there was no room. */
  push(cycle: Cycle): boolean {
    if (this.#cycles.length >= CAPACITY) return false;
    this.#cycles.push(cycle);
    return true;
  }

  /** Takes the oldest. */
  shift(): Cycle | undefined {
    return this.#cycles.shift();
  }

  get length(): number {
    return this.#cycles.length;
  }
}
