import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import type { TaskArn } from '../task/ids.ts';
import type { Transition } from '../task/timeline.ts';
import { type ChangeWriter, changeWriter } from './change-writer.ts';
import { DataDirLock } from './data-dir-lock.ts';
import { openDatabase } from './database-file.ts';
import { type EncodedChange, encodeChange } from './encode-change.ts';
import { inTransaction, type Migration } from './migrations.ts';
import { inodeOf, restoreDatabase } from './restore-database.ts';
import { storeError } from './sqlite-error.ts';
import { readState } from './state-reader.ts';
import { type Store, type StoreChange, type StoredState, StoreError } from './store.ts';
import { readTimeline } from './timeline-record.ts';

/** Name of the database in the data directory (task-engine.md §12). */
const DATABASE = 'agent.db';

/**
 * Opens the store in `dataDir`, which is made if it is missing and locked against other agents until `close`
 * or the end of the process. Throws StoreError: `locked`, `newer` or `io`. `migrations` differ in tests only;
 * `onRestored` is told when the database was deleted under the store, which then writes it anew.
 */
export function openStore(
  dataDir: string,
  migrations?: readonly Migration[],
  onRestored: (path: string) => void = () => {},
): Store {
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  const lock = DataDirLock.take(dataDir);
  const path = join(dataDir, DATABASE);
  try {
    const { db, setAside } = openDatabase(path, migrations);
    return new SqliteStore({
      db,
      dataDir,
      migrations,
      onRestored,
      lock,
      ...(setAside !== undefined && { setAside }),
    });
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface Parts {
  readonly db: DatabaseSync;
  readonly dataDir: string;
  readonly migrations: readonly Migration[] | undefined;
  onRestored(path: string): void;
  readonly lock: DataDirLock;
  readonly setAside?: NonNullable<StoredState['setAside']>;
}

/** One caller's changes on their way into the next transaction. */
interface PendingCommit {
  readonly changes: readonly EncodedChange[];
  resolve(ids: readonly number[]): void;
  reject(error: unknown): void;
}

/** While several callers commit at once: from the end of one transaction to the next, in which their calls gather. */
const GATHER_MS = 4;

/**
 * Group commit: calls of one turn of the event loop share a transaction, and while there are many, those of some turns,
 * as an fsync holds up all else. The queue is as long as there are callers who wait; each of them awaits its commit
 * before the next.
 */
class SqliteStore implements Store {
  readonly #parts: Parts;
  readonly #path: string;
  #db: DatabaseSync;
  #lock: DataDirLock;
  #inode: number | undefined;
  #write: ChangeWriter;
  #pending: PendingCommit[] = [];
  #flushed: Promise<void> = Promise.resolve();
  /** How many calls the last transaction held, and when it ended. */
  #last = { calls: 0, endedAt: 0 };
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#path = join(parts.dataDir, DATABASE);
    this.#db = parts.db;
    this.#lock = parts.lock;
    this.#inode = inodeOf(this.#path);
    this.#write = changeWriter(parts.db);
  }

  async load(): Promise<StoredState> {
    this.#assertOpen();
    await this.#flushed;
    const { setAside } = this.#parts;
    try {
      return { ...readState(this.#db), ...(setAside !== undefined && { setAside }) };
    } catch (error) {
      throw storeError(`read the agent's state from ${this.#path}`, error);
    }
  }

  async commit(changes: readonly StoreChange[]): Promise<readonly number[]> {
    this.#assertOpen();
    const encoded = changes.map(encodeChange);
    const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
    this.#pending.push({ changes: encoded, resolve, reject });
    if (this.#pending.length === 1) this.#flushed = this.#flushSoon();
    return await promise;
  }

  async timeline(arn: TaskArn): Promise<readonly Transition[]> {
    this.#assertOpen();
    await this.#flushed;
    return readTimeline(this.#db, arn);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#flushed;
    this.#db.close();
    this.#lock.release();
  }

  async #flushSoon(): Promise<void> {
    await this.#gather();
    const batch = this.#pending;
    this.#pending = [];
    try {
      this.#restoreIfReplaced();
      const ids = inTransaction(this.#db, () => batch.map(({ changes }) => this.#writeAll(changes)));
      batch.forEach((commit, index) => {
        commit.resolve(ids[index] ?? []);
      });
    } catch (error) {
      const failure = storeError(`write the agent's state to ${this.#path}`, error);
      for (const commit of batch) commit.reject(failure);
    }
    this.#last = { calls: batch.length, endedAt: performance.now() };
  }

  async #gather(): Promise<void> {
    const waitMs = this.#last.endedAt + GATHER_MS - performance.now();
    if (this.#last.calls > 1 && waitMs > 0) await delay(waitMs);
    else await new Promise((resolve) => setImmediate(resolve));
  }

  /** Somebody deleted the data directory, or put another one there: what is written now has to outlive us. */
  #restoreIfReplaced(): void {
    const { dataDir, migrations } = this.#parts;
    if (inodeOf(this.#path) === this.#inode) return;
    mkdirSync(dataDir, { recursive: true, mode: 0o755 });
    const lock = this.#lock.isHeldIn(dataDir) ? undefined : DataDirLock.take(dataDir);
    try {
      this.#db = restoreDatabase(this.#db, this.#path, migrations);
    } catch (error) {
      lock?.release();
      throw error;
    }
    if (lock !== undefined) {
      this.#lock.release();
      this.#lock = lock;
    }
    this.#inode = inodeOf(this.#path);
    this.#write = changeWriter(this.#db);
    this.#parts.onRestored(this.#path);
  }

  #writeAll(changes: readonly EncodedChange[]): number[] {
    return changes.map(this.#write).filter((id) => id !== undefined);
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError('closed', 'the store is closed: the agent is stopping');
  }
}
