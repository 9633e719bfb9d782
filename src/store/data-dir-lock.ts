import { statSync } from 'node:fs';
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
  readonly #inode: number;

  private constructor(db: DatabaseSync, inode: number) {
    this.#db = db;
    this.#inode = inode;
  }

  /** Throws StoreError `locked` when another agent holds it. */
  static take(dataDir: string): DataDirLock {
    const path = lockPath(dataDir);
    const db = new DatabaseSync(path, { timeout: 0 });
    try {
      db.exec('BEGIN EXCLUSIVE');
      return new DataDirLock(db, statSync(path).ino);
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

  /** Whether the lock file there is the one that is locked, and not one that has taken its place. */
  isHeldIn(dataDir: string): boolean {
    return statSync(lockPath(dataDir), { throwIfNoEntry: false })?.ino === this.#inode;
  }

  release(): void {
    this.#db.close();
  }
}

function lockPath(dataDir: string): string {
  return `${dataDir}/agent.lock`;
}
