/** How full the queue may get before the sender is slowed down. */
const HIGH_WATER = 64;

/**
 * Messages that wait for their turn: one at a time, in order of arrival, also across connections. When full it
 * asks its owner to stop reading; nothing is ever dropped.
 */
export class InboundQueue {
  readonly #onFull: () => void;
  readonly #onRoom: () => void;
  readonly #waiting: (() => Promise<void>)[] = [];
  #working: Promise<void> | undefined;
  #full = false;

  constructor(onFull: () => void, onRoom: () => void) {
    this.#onFull = onFull;
    this.#onRoom = onRoom;
  }

  /** Adds a job, which must not reject. */
  push(job: () => Promise<void>): void {
    this.#waiting.push(job);
    if (this.#waiting.length >= HIGH_WATER) {
      this.#full = true;
      this.#onFull();
    }
    this.#working ??= this.#work();
  }

  /** Drops what has not begun and waits for what has. */
  async stop(): Promise<void> {
    this.#waiting.length = 0;
    await this.#working;
  }

  async #work(): Promise<void> {
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) {
      await job();
      if (this.#full && this.#waiting.length < HIGH_WATER / 2) {
        this.#full = false;
        this.#onRoom();
      }
    }
    this.#working = undefined;
  }
}
