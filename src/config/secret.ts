import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/** A text that no log, error or JSON ever shows (CFG-47). `reveal` is for the one place that needs it. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
