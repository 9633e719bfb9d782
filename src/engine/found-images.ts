import type { LocalImage } from '../image/images.ts';

/** So long what was found is taken for what is there: the steps of a start follow each other within this. */
const FRESH_MS = 1000;

/**
 * The images that the steps of one task have just found for its containers, so that a start looks each up once and
 * not three times. Only others than the agent can remove one meanwhile; the runtime says so when it makes the
 * container.
 */
export class FoundImages {
  readonly #found = new Map<string, { readonly image: LocalImage; readonly at: number }>();

  /** `at` is epoch ms. */
  note(container: string, image: LocalImage, at: number): void {
    this.#found.set(container, { image, at });
  }

  /** Undefined when it was found too long ago, or never. */
  find(container: string, at: number): LocalImage | undefined {
    const found = this.#found.get(container);
    return found !== undefined && at - found.at < FRESH_MS ? found.image : undefined;
  }
}
