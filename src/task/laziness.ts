/** How much of an image a lazy pull has left at its registry, from where containers read it when they need it. */
export interface Laziness {
  /** Layers left there. */
  readonly lazyLayers: number;
  readonly layers: number;
  /** Why the others were fetched whole; absent: they are too small to be left, or were here already. */
  readonly inFull?: string;
}

/** `lazily, 3 of 5 layers` or `in full because the image has no SOCI index`. */
export function describeLaziness({ lazyLayers, layers, inFull }: Laziness): string {
  const because = inFull === undefined ? '' : `in full because ${inFull}`;
  if (lazyLayers === 0) return because;
  return `lazily, ${lazyLayers} of ${layers} layers${because === '' ? '' : `, the rest ${because}`}`;
}
