import { DatabaseSync } from 'node:sqlite';
import { isBusy, storeError } from './sqlite-error.ts';
import { StoreError } from './store.ts';

/**
 * Keeps a second agent off the data directory. The lock is the kernel's, on `agent.lock`, taken through SQLite
 * because Node has no call for file locks: it ends with the process, however that ends. It is not taken on
 * `agent.db` itself, which thus stays open to the sqlite3 shell.
 */
export class DataDirLock {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Throws StoreError `locked` when another agent holds it. */
  static take(dataDir: string): DataDirLock {
    const path = `${dataDir}/agent.lock`;
    const db = new DatabaseSync(path, { timeout: 0 });
    try {
      db.exec('BEGIN EXCLUSIVE');
      return new DataDirLock(db);
    } catch (error) {
      db.close();
      if (!isBusy(error)) throw storeError(`lock the data directory with ${path}`, error);
      throw new StoreError(
        'locked',
        `another agent is running on the data directory ${dataDir} (it holds ${path}); stop it, or give this ` +
          'one an ECS_DATADIR of its own',
        error,
      );
    }
  }

  release(): void {
    this.#db.close();
  }
}
