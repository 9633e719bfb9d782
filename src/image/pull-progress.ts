import type { Laziness } from '../task/laziness.ts';
import type { PullProgress } from './images.ts';

/** At most five reports a second. */
const INTERVAL_MS = 200;

/** Adds up what a pull has done and tells it, not too often; the last state is always told. */
export class PullProgressMeter {
  readonly #publish: (progress: PullProgress) => void;
  readonly #now: () => number;
  readonly #sizes = new Map<string, number>();
  readonly #done = new Map<string, number>();
  #layersUnpacked = 0;
  #layersTotal = 0;
  #trouble: string | undefined;
  #laziness: Laziness | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(publish: (progress: PullProgress) => void, now: () => number = () => performance.now()) {
    this.#publish = publish;
    this.#now = now;
  }

  /** The layers of the image, from the bottom; the same layer twice comes over the wire once. */
  begin(layers: readonly { readonly digest: string; readonly size: number }[]): void {
    for (const { digest, size } of layers) this.#sizes.set(digest, size);
    this.#layersTotal = layers.length;
    this.#tell(true);
  }

  /** Bytes of a layer that are here, of this pull or of an earlier one. */
  bytes(digest: string, done: number): void {
    if (!this.#sizes.has(digest)) return;
    this.#done.set(digest, done);
    this.#tell(false);
  }

  /** What went wrong, while it is tried again; until there is progress. */
  failed(trouble: string): void {
    this.#trouble = trouble;
    this.#publishNow();
  }

  /** A layer whose bytes are not needed, as its snapshotter has it from elsewhere. */
  notNeeded(digest: string): void {
    this.#sizes.delete(digest);
    this.#done.delete(digest);
  }

  lazily(laziness: Laziness | undefined): void {
    this.#laziness = laziness;
  }

  unpacked(): void {
    this.#layersUnpacked += 1;
    this.#tell(this.#layersUnpacked === this.#layersTotal);
  }

  /** Tells the final state. */
  end(): void {
    this.#tell(true);
  }

  #tell(always: boolean): void {
    const isOverTrouble = this.#trouble !== undefined;
    this.#trouble = undefined;
    if (always || isOverTrouble || this.#now() - this.#toldAt >= INTERVAL_MS) this.#publishNow();
  }

  #publishNow(): void {
    this.#toldAt = this.#now();
    const sum = (values: Iterable<number>) =>
      Iterator.from(values).reduce((total, value) => total + value, 0);
    this.#publish({
      bytesDone: sum(this.#done.values()),
      bytesTotal: sum(this.#sizes.values()),
      layersUnpacked: this.#layersUnpacked,
      layersTotal: this.#layersTotal,
      ...(this.#trouble !== undefined && { trouble: this.#trouble }),
      ...(this.#laziness !== undefined && { laziness: this.#laziness }),
    });
  }
}
