import type { DatabaseSync } from 'node:sqlite';
import type { EniAttachment } from '../task/eni-attachment.ts';
import type { ImageUse } from '../task/image-use.ts';
import type { ContainerState, TaskState } from '../task/task-state.ts';
import { attachmentRecordFormat } from './attachment-record.ts';
import { imageRecordFormat } from './image-record.ts';
import { inTransaction } from './migrations.ts';
import { META_KEYS, type MetaKey, type QueuedReport, type StoredState } from './store.ts';
import { containerRecordFormat, fromRecords, reportRecordFormat, taskRecordFormat } from './task-record.ts';
import { withUnsettledCounted } from './unsettled.ts';

/** A stored record before it is parsed. */
interface Row {
  readonly table: 'tasks' | 'containers' | 'outbox' | 'attachments' | 'images';
  readonly key: string;
  readonly record: string;
}

type BadRow = Row & { readonly error: string };

/**
 * Reads everything. Records that do not parse, containers without a task and tasks without one of their
 * containers are moved into the table `quarantine`: reported once, kept for a look, in nobody's way.
 */
export function readState(db: DatabaseSync): Omit<StoredState, 'setAside'> {
  const bad: BadRow[] = [];
  const tasks = readTasks(db, bad);
  const outbox = readOutbox(db, bad);
  const attachments = readAttachments(db, bad);
  const meta = readMeta(db);
  const images = readImages(db, bad);
  if (bad.length > 0) tryQuarantine(db, bad);
  return {
    tasks: withUnsettledCounted(tasks, outbox),
    outbox,
    attachments,
    meta,
    images,
    quarantined: bad.map(({ table, key, error }) => ({ table, key, error })),
  };
}

function readTasks(db: DatabaseSync, bad: BadRow[]): TaskState[] {
  const containers = new Map<string, Row[]>();
  for (const { key, task_id, record } of db
    .prepare('SELECT key, task_id, record FROM containers')
    .iterate()) {
    const rows = containers.get(String(task_id)) ?? [];
    containers.set(String(task_id), rows);
    rows.push({ table: 'containers', key: String(key), record: String(record) });
  }
  const tasks: TaskState[] = [];
  for (const { id, record } of db.prepare('SELECT id, record FROM tasks ORDER BY id').iterate()) {
    const key = String(id);
    const rows = containers.get(key) ?? [];
    containers.delete(key);
    const task = readTask({ table: 'tasks', key, record: String(record) }, rows, bad);
    if (task !== undefined) tasks.push(task);
  }
  for (const orphan of [...containers.values()].flat())
    bad.push({ ...orphan, error: 'the record of its task is missing' });
  return tasks;
}

function readTask(row: Row, containers: readonly Row[], bad: BadRow[]): TaskState | undefined {
  const states = new Map<string, ContainerState>();
  const badContainers: BadRow[] = [];
  for (const container of containers) {
    const state = tryParse(container, containerRecordFormat.parse, badContainers);
    if (state !== undefined) states.set(state.name, state);
  }
  const task = tryParse(row, (text) => fromRecords(taskRecordFormat.parse(text), states), bad);
  if (task !== undefined) {
    bad.push(...badContainers);
    return task;
  }
  for (const container of containers)
    bad.push(
      badContainers.find(({ key }) => key === container.key) ?? {
        ...container,
        error: 'the record of its task is broken',
      },
    );
  return undefined;
}

function readOutbox(db: DatabaseSync, bad: BadRow[]): QueuedReport[] {
  const outbox: QueuedReport[] = [];
  for (const { id, record } of db.prepare('SELECT id, record FROM outbox ORDER BY id').iterate()) {
    const row: Row = { table: 'outbox', key: String(id), record: String(record) };
    const report = tryParse(row, reportRecordFormat.parse, bad);
    if (report !== undefined) outbox.push({ id: Number(id), report });
  }
  return outbox;
}

function readImages(db: DatabaseSync, bad: BadRow[]): ImageUse[] {
  const images: ImageUse[] = [];
  for (const { id, record } of db.prepare('SELECT id, record FROM images ORDER BY id').iterate()) {
    const row: Row = { table: 'images', key: String(id), record: String(record) };
    const image = tryParse(row, imageRecordFormat.parse, bad);
    if (image !== undefined) images.push(image);
  }
  return images;
}

function readAttachments(db: DatabaseSync, bad: BadRow[]): EniAttachment[] {
  return [...db.prepare('SELECT arn, record FROM attachments ORDER BY arn').iterate()].flatMap(
    ({ arn, record }) => {
      const row: Row = { table: 'attachments', key: String(arn), record: String(record) };
      const attachment = tryParse(row, attachmentRecordFormat.parse, bad);
      return attachment === undefined ? [] : [attachment];
    },
  );
}

/** Keys that this agent does not know are left alone. */
function readMeta(db: DatabaseSync): Map<MetaKey, string> {
  const select = db.prepare('SELECT value FROM meta WHERE key = ?');
  const meta = new Map<MetaKey, string>();
  for (const key of META_KEYS) {
    const row = select.get(key);
    if (row !== undefined) meta.set(key, String(row.value));
  }
  return meta;
}

function tryParse<T>(row: Row, parse: (text: string) => T, bad: BadRow[]): T | undefined {
  try {
    return parse(row.record);
  } catch (error) {
    bad.push({ ...row, error: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

/** A full disk must not keep the agent from starting: the records then stay where they are, and unread. */
function tryQuarantine(db: DatabaseSync, bad: BadRow[]): void {
  try {
    quarantine(db, bad);
  } catch (error) {
    const why = `and could not be moved to quarantine: ${error instanceof Error ? error.message : String(error)}`;
    bad.forEach((row, index) => {
      bad[index] = { ...row, error: `${row.error}; ${why}` };
    });
  }
}

function quarantine(db: DatabaseSync, bad: readonly BadRow[]): void {
  const keep = db.prepare('INSERT INTO quarantine (at, origin, key, record, error) VALUES (?, ?, ?, ?, ?)');
  const remove = {
    tasks: db.prepare('DELETE FROM tasks WHERE id = ?'),
    containers: db.prepare('DELETE FROM containers WHERE key = ?'),
    outbox: db.prepare('DELETE FROM outbox WHERE id = ?'),
    images: db.prepare('DELETE FROM images WHERE id = ?'),
    attachments: db.prepare('DELETE FROM attachments WHERE arn = ?'),
  };
  const at = new Date().toISOString();
  inTransaction(db, () => {
    for (const { table, key, record, error } of bad) {
      keep.run(at, table, key, record, error);
      remove[table].run(key);
    }
  });
}
