import type { Descriptor } from '../../../image/manifest.ts';

/** Layers that come over the wire at a time (containerd.md §6). */
const PARALLEL = 3;

/** Fetches the layers of an image, a few at a time, from the bottom. Each can be waited for. */
export class LayerFetches {
  readonly #layers: readonly Descriptor[];
  readonly #fetch: (layer: Descriptor) => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  readonly #arrivals = new Map<string, PromiseWithResolvers<void>>();
  readonly #begun = new Set<string>();
  readonly #queue: Descriptor[] = [];
  readonly #workers = new Set<Promise<void>>();
  #failed = false;

  /** `onFailure` is told the first failure; nothing more is begun after it. */
  constructor(
    layers: readonly Descriptor[],
    fetch: (layer: Descriptor) => Promise<void>,
    onFailure: (error: unknown) => void,
  ) {
    this.#layers = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
    this.#fetch = fetch;
    this.#onFailure = onFailure;
    for (const { digest } of this.#layers) {
      const arrival = Promise.withResolvers<void>();
      // Whoever waits sees the failure; that nobody does must not end the process.
      arrival.promise.catch(() => undefined);
      this.#arrivals.set(digest, arrival);
    }
  }

  /** Begins to fetch all layers but those in `without` and those that were begun before. */
  start(without: ReadonlySet<string>): void {
    for (const layer of this.#layers) {
      if (without.has(layer.digest) || this.#begun.has(layer.digest)) continue;
      this.#begun.add(layer.digest);
      this.#queue.push(layer);
    }
    for (let idle = Math.min(PARALLEL - this.#workers.size, this.#queue.length); idle > 0; idle -= 1) {
      const worker = this.#work().finally(() => this.#workers.delete(worker));
      this.#workers.add(worker);
    }
  }

  /** Waits for one layer; rejects with what its fetch failed with. */
  async arrived(digest: string): Promise<void> {
    await this.#arrivals.get(digest)?.promise;
  }

  /** Waits until nothing is being fetched any more, whether it came or not. */
  async settled(): Promise<void> {
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    for (let layer = this.#queue.shift(); layer !== undefined && !this.#failed; layer = this.#queue.shift()) {
      const arrival = this.#arrivals.get(layer.digest);
      try {
        await this.#fetch(layer);
        arrival?.resolve();
      } catch (error) {
        this.#failed = true;
        arrival?.reject(error);
        this.#onFailure(error);
      }
    }
  }
}
