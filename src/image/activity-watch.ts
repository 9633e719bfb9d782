/** How long a pull may stand still. */
export interface ActivityLimits {
  /** Until the first sign of life. */
  readonly beginMs: number;
  /** Between two signs of life. */
  readonly inactivityMs: number;
}

export interface ActivityHandlers {
  /** Asked before the pull is given up: whether work that tells nothing by itself has gone on since last asked. */
  readonly stillMoving: () => Promise<boolean>;
  readonly onNeverBegun: () => void;
  readonly onInactive: () => void;
}

/** Notices a pull that never begins (ENG-23) or stands still (ENG-24). */
export class ActivityWatch implements Disposable {
  readonly #limits: ActivityLimits;
  readonly #handlers: ActivityHandlers;
  #timer: NodeJS.Timeout;
  #begun = false;
  #stopped = false;
  #touches = 0;

  constructor(limits: ActivityLimits, handlers: ActivityHandlers) {
    this.#limits = limits;
    this.#handlers = handlers;
    this.#timer = setTimeout(() => handlers.onNeverBegun(), limits.beginMs);
  }

  /** There was progress: bytes, or a step done. */
  touch(): void {
    if (this.#stopped) return;
    this.#touches += 1;
    if (this.#begun) {
      this.#timer.refresh();
      return;
    }
    this.#begun = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#check(), this.#limits.inactivityMs);
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #check(): Promise<void> {
    const before = this.#touches;
    const moving = await this.#handlers.stillMoving().catch(() => false);
    if (this.#stopped) return;
    if (moving || this.#touches > before) this.#timer.refresh();
    else this.#handlers.onInactive();
  }
}
