import type { Descriptor } from '../../../image/manifest.ts';

/** Layers that come over the wire at a time (containerd.md §6). */
const PARALLEL = 3;

/** Fetches the layers of an image, a few at a time, from the bottom. Each can be waited for. */
export class LayerFetches {
  readonly #layers: readonly Descriptor[];
  readonly #fetch: (layer: Descriptor) => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  readonly #arrivals = new Map<string, PromiseWithResolvers<void>>();
  #workers: Promise<unknown> | undefined;

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

  /** Begins to fetch all layers but those in `without`. Again: no effect. */
  start(without: ReadonlySet<string>): void {
    if (this.#workers !== undefined) return;
    const queue = this.#layers.filter(({ digest }) => !without.has(digest));
    let failed = false;
    const worker = async () => {
      for (let layer = queue.shift(); layer !== undefined && !failed; layer = queue.shift()) {
        const arrival = this.#arrivals.get(layer.digest);
        try {
          await this.#fetch(layer);
          arrival?.resolve();
        } catch (error) {
          failed = true;
          arrival?.reject(error);
          this.#onFailure(error);
        }
      }
    };
    this.#workers = Promise.all(Array.from({ length: PARALLEL }, worker));
  }

  /** Waits for one layer; rejects with what its fetch failed with. */
  async arrived(digest: string): Promise<void> {
    await this.#arrivals.get(digest)?.promise;
  }

  /** Waits until nothing is being fetched any more, whether it came or not. */
  async settled(): Promise<void> {
    await this.#workers;
  }
}
