/**
 * Leases whose job is done but which could not be deleted, as containerd did not answer. They are deleted when it
 * is back; those of an agent that died, by the next one (CTD-45, CTD-46).
 */
export class UnfinishedLeases {
  /** With the deletion that is under way, if one is. */
  readonly #leases = new Map<string, Promise<void> | undefined>();

  add(id: string): void {
    this.#leases.set(id, undefined);
  }

  /** Its job is done and nobody waits for its deletion. */
  deleteSoon(id: string, deleteLease: (id: string) => Promise<void>): void {
    this.#leases.set(id, this.#deletionOf(id, deleteLease));
  }

  /** The same job begins again: its lease is not to go now. */
  async claim(id: string): Promise<void> {
    const deletion = this.#leases.get(id);
    this.#leases.delete(id);
    await deletion;
  }

  /** Tries to delete each; what fails stays for the next time. */
  async retry(deleteLease: (id: string) => Promise<void>): Promise<void> {
    for (const id of [...this.#leases.keys()]) {
      if (!this.#leases.has(id)) continue;
      const deletion = this.#deletionOf(id, deleteLease);
      this.#leases.set(id, deletion);
      await deletion;
    }
  }

  #deletionOf(id: string, deleteLease: (id: string) => Promise<void>): Promise<void> {
    return deleteLease(id).then(
      () => void this.#leases.delete(id),
      () => {
        if (this.#leases.has(id)) this.#leases.set(id, undefined);
      },
    );
  }
}
