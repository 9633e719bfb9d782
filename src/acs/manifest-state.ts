/** The manifest number on disk (key `task-manifest-seq-num`). */
export interface ManifestNumber {
  /** −1 without state, 0 with state but no number yet (acs.md §12). */
  get(): number;
  set(value: number): Promise<void>;
}

/** The latest sequence number and the manifest that waits for its verification (acs.md §9.6, §9.8, §12). */
export class ManifestState {
  readonly #stored: ManifestNumber;
  #latest: number;
  #pending: string | undefined;

  constructor(stored: ManifestNumber) {
    this.#stored = stored;
    this.#latest = stored.get();
  }

  get latest(): number {
    return this.#latest;
  }

  /** A payload's number; kept in memory only. */
  raise(seqNum: number): void {
    this.#latest = Math.max(this.#latest, seqNum);
  }

  /** Takes a manifest over once its number is on disk, so that one whose write failed counts when it comes again. */
  async advance(timeline: number, messageId: string): Promise<void> {
    await this.#stored.set(timeline);
    this.#latest = timeline;
    this.#pending = messageId;
  }

  /** True once for the id of the latest manifest. */
  settle(messageId: string): boolean {
    if (messageId === '' || messageId !== this.#pending) return false;
    this.#pending = undefined;
    return true;
  }
}
