interface Due {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that moves only from one thing that is due to the next. */
export class VirtualTime {
  /** Epoch ms. */
  now: number;
  /** In the order of their times; of the same time first come, first served. */
  readonly #due: Due[] = [];

  constructor(start: number) {
    this.now = start;
  }

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  at(time: number, run: () => void): void {
    const at = Math.max(time, this.now);
    let index = this.#due.length;
    while (index > 0 && (this.#due[index - 1]?.at ?? 0) > at) index -= 1;
    this.#due.splice(index, 0, { at, run });
  }

  /** Does what is due next; false when nothing ever will be. */
  step(): boolean {
    const next = this.#due.shift();
    if (next === undefined) return false;
    this.now = next.at;
    next.run();
    return true;
  }
}
