import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { z } from '../../schema.ts';

/** Takes back one change of a transaction that failed. */
export type Undo = () => void;

/**
 * Records of one kind, held in memory and written through to their rows. Order is that of first insertion,
 * also after a restart. Records are replaced, never changed in place.
 */
export class Collection<T> {
  readonly #records = new Map<string, T>();
  readonly #kind: string;
  readonly #write: StatementSync;
  readonly #remove: StatementSync;
  readonly #changed: (undo: Undo) => void;

  /** Reads what is stored; a row that does not fit `schema` is an error. */
  constructor(database: DatabaseSync, kind: string, schema: z.ZodMiniType<T>, changed: (undo: Undo) => void) {
    this.#kind = kind;
    this.#changed = changed;
    this.#write = database.prepare(
      'INSERT INTO records (kind, key, value) VALUES (?, ?, ?) ' +
        'ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value',
    );
    this.#remove = database.prepare('DELETE FROM records WHERE kind = ? AND key = ?');
    const rows = database.prepare('SELECT key, value FROM records WHERE kind = ? ORDER BY id').all(kind);
    for (const row of rows) {
      this.#records.set(String(row.key), schema.parse(JSON.parse(String(row.value))));
    }
  }

  get(key: string): T | undefined {
    return this.#records.get(key);
  }

  values(): T[] {
    return [...this.#records.values()];
  }

  entries(): readonly (readonly [string, T])[] {
    return [...this.#records];
  }

  filter(wanted: (record: T) => boolean): T[] {
    return this.values().filter(wanted);
  }

  /** Writes the record; only inside `State.transaction`. */
  put(key: string, record: T): void {
    const before = this.#records.get(key);
    this.#changed(() => {
      if (before === undefined) this.#records.delete(key);
      else this.#records.set(key, before);
    });
    this.#write.run(this.#kind, key, JSON.stringify(record));
    this.#records.set(key, record);
  }

  /** Removes the record if it is there; only inside `State.transaction`. */
  delete(key: string): void {
    const before = this.#records.get(key);
    if (before === undefined) return;
    this.#changed(() => this.#records.set(key, before));
    this.#remove.run(this.#kind, key);
    this.#records.delete(key);
  }
}
