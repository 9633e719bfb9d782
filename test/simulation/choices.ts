import { randomFrom } from '../support/sample.ts';

/**
 * Every free choice of a history, written down: the same list of choices makes the same history. Smaller choices
 * are tamer, and a list that is at its end chooses 0, so a history shrinks by shrinking its list.
 */
export class Choices {
  readonly taken: number[] = [];
  readonly #next: () => number;

  /** `next` gives whole numbers of at least 0, of any size. */
  constructor(next: () => number) {
    this.#next = next;
  }

  static fromSeed(seed: number): Choices {
    const random = randomFrom(seed);
    return new Choices(() => Math.floor(random() * 0x1_0000_0000));
  }

  static replay(list: readonly number[]): Choices {
    let index = 0;
    return new Choices(() => list[index++] ?? 0);
  }

  /** A whole number in [0, count). */
  below(count: number): number {
    const choice = this.#next() % count;
    this.taken.push(choice);
    return choice;
  }

  of<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  /** True in `percent` of 100 cases; false is the tame one. */
  chance(percent: number): boolean {
    return this.below(100) >= 100 - percent;
  }
}
