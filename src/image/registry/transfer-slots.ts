/** How many bodies of blobs come over the wire at a time. */
export interface TransferLimits {
  /** From all registries together. */
  readonly total: number;
  readonly perRegistry: number;
}

/** Who waits for a slot: a pull, and the registry that it wants to be sent bytes by. */
export interface TransferParty {
  readonly registry: string;
  readonly owner: object;
  /** Of those of one owner the lowest goes first. */
  readonly rank: number;
}

interface Waiter extends TransferParty {
  readonly grant: (slot: Disposable) => void;
}

/**
 * Shares out the transfers of layers among pulls. Of those that wait, the pull that has the fewest goes first, so
 * that a small image beside a large one is not held up; within one pull its ranks decide, then the order of asking.
 * Manifests and configurations ask for nothing here: they are small, and all else waits for them.
 */
export class TransferSlots {
  readonly #limits: TransferLimits;
  readonly #byRegistry = new Map<string, number>();
  readonly #byOwner = new Map<object, number>();
  #taken = 0;
  #waiters: Waiter[] = [];

  constructor(limits: TransferLimits) {
    this.#limits = limits;
  }

  /** Resolves with a slot, to be disposed of once; rejects with the signal's reason. */
  async take(party: TransferParty, { signal }: { readonly signal: AbortSignal }): Promise<Disposable> {
    signal.throwIfAborted();
    const granted = Promise.withResolvers<Disposable>();
    const waiter = { ...party, grant: granted.resolve };
    const leave = () => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      granted.reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#waiters.push(waiter);
    this.#grant();
    try {
      return await granted.promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #grant(): void {
    while (this.#taken < this.#limits.total) {
      const next = this.#next();
      if (next === undefined) return;
      this.#waiters = this.#waiters.filter((other) => other !== next);
      this.#count(next, 1);
      next.grant(this.#slotOf(next));
    }
  }

  #slotOf(party: TransferParty): Disposable {
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        this.#count(party, -1);
        this.#grant();
      },
    };
  }

  #next(): Waiter | undefined {
    const held = ({ owner }: Waiter) => this.#byOwner.get(owner) ?? 0;
    const before = (a: Waiter, b: Waiter) => (a.owner === b.owner ? a.rank < b.rank : held(a) < held(b));
    return this.#waiters
      .filter(({ registry }) => (this.#byRegistry.get(registry) ?? 0) < this.#limits.perRegistry)
      .reduce<Waiter | undefined>(
        (best, waiter) => (best === undefined || before(waiter, best) ? waiter : best),
        undefined,
      );
  }

  #count({ registry, owner }: TransferParty, by: 1 | -1): void {
    this.#taken += by;
    add(this.#byRegistry, registry, by);
    add(this.#byOwner, owner, by);
  }
}

function add<K>(counts: Map<K, number>, key: K, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
