/** Values of secrets that containers' logs are delivered with, so that no message shows one. */
export class HiddenValues {
  readonly #values = new Map<string, readonly string[]>();

  /** Those of a container, instead of what it had. */
  set(container: string, values: readonly string[]): void {
    const telling = values.filter((value) => value !== '');
    if (telling.length === 0) this.#values.delete(container);
    else this.#values.set(container, telling);
  }

  delete(container: string): void {
    this.#values.delete(container);
  }

  /** The text with every value left out. */
  in(text: string): string {
    if (this.#values.size === 0) return text;
    return withoutValues(text, [...this.#values.values()].flat());
  }
}

/** A text in which `***` stands for each of the values; the longest first, as one may hold another. */
export function withoutValues(text: string, values: readonly string[]): string {
  return [...values]
    .filter((value) => value !== '')
    .sort((a, b) => b.length - a.length)
    .reduce((left, value) => left.replaceAll(value, '***'), text);
}
