import { closeSync, existsSync, fchmodSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Migration, migrate } from './migrations.ts';
import { DamageError, isDamage, storeError } from './sqlite-error.ts';
import type { StoredState } from './store.ts';

export interface OpenedDatabase {
  readonly db: DatabaseSync;
  readonly setAside?: NonNullable<StoredState['setAside']>;
}

/**
 * Opens or makes the database at `path`, readable by its owner only, every commit on the disk when it returns.
 * A damaged file is renamed to `<path>.broken-<time>` and an empty one begun: an agent that forgets its tasks
 * and sweeps what they left is better than one that does not start.
 */
export function openDatabase(path: string, migrations?: readonly Migration[]): OpenedDatabase {
  try {
    return { db: openChecked(path, migrations) };
  } catch (error) {
    if (!isDamage(error)) throw storeError(`open the state database ${path}`, error);
    const moved = setAside(path);
    const text = error instanceof Error ? error.message : String(error);
    return { db: openChecked(path, migrations), setAside: { path: moved, error: text } };
  }
}

/** Opens or makes it; throws when it is damaged. */
export function openChecked(path: string, migrations: readonly Migration[] | undefined): DatabaseSync {
  const isNew = !existsSync(path);
  // SQLite gives its journal the mode of the database, so the file must have it before.
  const fd = openSync(path, 'a', 0o600);
  fchmodSync(fd, 0o600);
  closeSync(fd);
  if (isNew) syncPath(dirname(path));
  const db = new DatabaseSync(path, { timeout: 1_000 });
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304');
    checkPages(db);
    migrate(db, migrations);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Finds damage now that would else show in the middle of a commit. */
function checkPages(db: DatabaseSync): void {
  const verdict = db.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (verdict !== 'ok') throw new DamageError(String(verdict));
}

/** Moves the database and its journals away under one name, so that the sqlite3 shell can still read them. */
export function setAside(path: string): string {
  const moved = `${path}.broken-${new Date().toISOString().replaceAll(':', '')}`;
  for (const suffix of ['', '-wal', '-shm'])
    if (existsSync(path + suffix)) renameSync(path + suffix, moved + suffix);
  syncPath(dirname(path));
  return moved;
}

/** Makes a file's bytes, or the names in a directory, durable. */
export function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
