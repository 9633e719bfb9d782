import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from './store.ts';

/** One step of the database's layout; the n-th of the list leads from version n-1 to n. Never changed once released. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/** Records are JSON with a version of their own; columns beside them are keys only (task-engine.md §12). */
export const MIGRATIONS: readonly Migration[] = [
  {
    name: 'tasks, containers, outbox, meta, quarantine',
    sql: `
      CREATE TABLE tasks (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE containers (
        key TEXT PRIMARY KEY,
        task_id TEXT NOT NULL,
        record TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX containers_of_task ON containers (task_id);
      CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL) STRICT;
      CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE quarantine (
        id INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        origin TEXT NOT NULL,
        key TEXT NOT NULL,
        record TEXT NOT NULL,
        error TEXT NOT NULL
      ) STRICT;`,
  },
  {
    name: 'timeline',
    sql: `
      CREATE TABLE timeline (id INTEGER PRIMARY KEY, task_id TEXT NOT NULL, record TEXT NOT NULL) STRICT;
      CREATE INDEX timeline_of_task ON timeline (task_id);`,
  },
  {
    name: 'images',
    sql: 'CREATE TABLE images (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;',
  },
  {
    name: 'attachments',
    sql: 'CREATE TABLE attachments (arn TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;',
  },
];

/**
 * Brings the database to the last version, each step in a transaction of its own, so that a crash in between
 * goes on where it stood. Rejects a database that a newer agent has written with StoreError `newer`.
 */
export function migrate(db: DatabaseSync, migrations: readonly Migration[] = MIGRATIONS): void {
  db.exec(`CREATE TABLE IF NOT EXISTS schema_version
    (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT`);
  const found = db.prepare('SELECT max(version) AS version FROM schema_version').get()?.version;
  const version = typeof found === 'number' ? found : 0;
  if (version > migrations.length)
    throw new StoreError(
      'newer',
      `the state database has layout ${version}, this agent knows ${migrations.length}: it was written by a ` +
        'newer agent; start that one, or move the database away to begin anew',
    );
  const applied = db.prepare('INSERT INTO schema_version (version, name, applied_at) VALUES (?, ?, ?)');
  migrations.slice(version).forEach(({ name, sql }, index) => {
    inTransaction(db, () => {
      db.exec(sql);
      applied.run(version + index + 1, name, new Date().toISOString());
    });
  });
}

/** Runs `work` in one transaction; rolls back and rethrows what it throws. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite has rolled back by itself after some errors, a full disk among them.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
