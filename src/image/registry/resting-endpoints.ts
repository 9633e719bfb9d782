import type { RegistryEndpoint } from './endpoint.ts';
import type { RegistryError } from './registry-error.ts';

const REST_MS = 60_000;
const MOST = 1_000;

/**
 * Remembers which mirrors have failed, so that not each request of a pull waits for them first: for a minute one that
 * is unwell is not asked at all, and one that lacks something not for that thing.
 */
export class RestingEndpoints {
  readonly #now: () => number;
  /** Until when, epoch ms. */
  readonly #until = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  rest(endpoint: RegistryEndpoint, path: string, { status }: Pick<RegistryError, 'status'>): void {
    const lacks = status !== undefined && status >= 400 && status < 500 && status !== 429;
    const now = this.#now();
    this.#until.set(lacks ? `${keyOf(endpoint)} ${path}` : keyOf(endpoint), now + REST_MS);
    for (const [key, until] of this.#until)
      if (until <= now || this.#until.size > MOST) this.#until.delete(key);
  }

  isResting(endpoint: RegistryEndpoint, path: string): boolean {
    const now = this.#now();
    const rests = (key: string) => (this.#until.get(key) ?? 0) > now;
    return rests(keyOf(endpoint)) || rests(`${keyOf(endpoint)} ${path}`);
  }
}

function keyOf({ scheme, address, path }: RegistryEndpoint): string {
  return `${scheme}://${address}${path}`;
}
