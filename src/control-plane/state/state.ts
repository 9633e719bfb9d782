import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Collection, type Undo } from './collection.ts';
import {
  clusterRecordSchema,
  instanceRecordSchema,
  outboxRecordSchema,
  taskDefinitionRecordSchema,
  taskRecordSchema,
  tokenRecordSchema,
} from './records.ts';

const SCHEMA_VERSION = 1;

/**
 * The control plane's memory: one SQLite file in the state directory. A transaction is on disk when it
 * returns, so what a client or agent was answered survives a kill. One process at a time has the file.
 */
export class State {
  readonly #database: DatabaseSync;
  #undo: Undo[] | undefined;

  readonly clusters;
  readonly instances;
  readonly taskDefinitions;
  readonly tasks;
  readonly outbox;
  readonly tokens;

  /** Opens or creates the state in `directory`; throws when another control plane has it open. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, 'control-plane.sqlite');
    this.#database = new DatabaseSync(path);
    try {
      prepare(this.#database);
    } catch (error) {
      this.#database.close();
      throw new Error(`Cannot open the state in ${path}: ${String(error)}`, { cause: error });
    }
    const changed = (undo: Undo) => {
      if (this.#undo === undefined) throw new Error('a record was changed outside a transaction');
      this.#undo.push(undo);
    };
    const database = this.#database;
    this.clusters = new Collection(database, 'cluster', clusterRecordSchema, changed);
    this.instances = new Collection(database, 'container-instance', instanceRecordSchema, changed);
    this.taskDefinitions = new Collection(database, 'task-definition', taskDefinitionRecordSchema, changed);
    this.tasks = new Collection(database, 'task', taskRecordSchema, changed);
    this.outbox = new Collection(database, 'outbox', outboxRecordSchema, changed);
    this.tokens = new Collection(database, 'token', tokenRecordSchema, changed);
  }

  /** Runs `work`, all of it or nothing. Not nestable. */
  transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    const undo: Undo[] = [];
    this.#undo = undo;
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      for (const step of undo.reverse()) step();
      this.#database.exec('ROLLBACK');
      throw error;
    } finally {
      this.#undo = undefined;
    }
  }

  close(): void {
    this.#database.close();
  }
}

function prepare(database: DatabaseSync): void {
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  const version = database.prepare('PRAGMA user_version').get()?.user_version;
  if (typeof version === 'number' && version > SCHEMA_VERSION) {
    throw new Error(
      `it was written by a newer version (schema ${version}, this one knows ${SCHEMA_VERSION})`,
    );
  }
  database.exec(`
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS records (
      id INTEGER PRIMARY KEY,
      kind TEXT NOT NULL,
      key TEXT NOT NULL,
      value TEXT NOT NULL,
      UNIQUE (kind, key)
    ) STRICT;
    PRAGMA user_version = ${SCHEMA_VERSION};
    COMMIT`);
}
