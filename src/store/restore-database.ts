import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { openChecked, setAside, syncPath } from './database-file.ts';
import type { Migration } from './migrations.ts';

/** Tells the file at `path` from one that takes its place; undefined when there is none. */
export function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/**
 * Writes the whole database anew to `path`, where it has been deleted or replaced while `db` has the old file
 * open, which has no name any more. Gives a connection to the new one. When it throws before the copy is complete,
 * `db` is as good as before.
 */
export function restoreDatabase(
  db: DatabaseSync,
  path: string,
  migrations: readonly Migration[] | undefined,
): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const copy = `${path}.new`;
  rmSync(copy, { force: true });
  db.prepare('VACUUM INTO ?').run(copy);
  syncPath(copy);
  if (existsSync(path)) setAside(path);
  // Before the copy takes the name: when it closes, SQLite deletes the journals by their names.
  db.close();
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
  renameSync(copy, path);
  syncPath(dirname(path));
  return openChecked(path, migrations);
}
