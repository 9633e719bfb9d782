import type { DatabaseSync } from 'node:sqlite';
import type { EncodedChange } from './encode-change.ts';
import { TIMELINE_LIMIT } from './store.ts';

/** Writes one change into the open transaction; gives the outbox id of an enqueued report. */
export type ChangeWriter = (change: EncodedChange) => number | undefined;

/** Prepares the statements once for all changes. Rows that would not change are not touched. */
export function changeWriter(db: DatabaseSync): ChangeWriter {
  const putTask = db.prepare(`INSERT INTO tasks (id, record) VALUES (?, ?)
    ON CONFLICT (id) DO UPDATE SET record = excluded.record WHERE record <> excluded.record`);
  const putContainer = db.prepare(`INSERT INTO containers (key, task_id, record) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET record = excluded.record WHERE record <> excluded.record`);
  const dropOtherContainers = db.prepare(
    'DELETE FROM containers WHERE task_id = ? AND key NOT IN (SELECT value FROM json_each(?))',
  );
  const deleteTask = db.prepare('DELETE FROM tasks WHERE id = ?');
  const deleteContainers = db.prepare('DELETE FROM containers WHERE task_id = ?');
  const appendTimeline = db.prepare('INSERT INTO timeline (task_id, record) VALUES (?, ?)');
  const trimTimeline = db.prepare(`DELETE FROM timeline WHERE task_id = ?1 AND id <=
    (SELECT id FROM timeline WHERE task_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ${TIMELINE_LIMIT})`);
  const deleteTimeline = db.prepare('DELETE FROM timeline WHERE task_id = ?');
  const enqueueReport = db.prepare('INSERT INTO outbox (record) VALUES (?)');
  const deleteReport = db.prepare('DELETE FROM outbox WHERE id = ?');
  const putAttachment = db.prepare(`INSERT INTO attachments (arn, record) VALUES (?, ?)
    ON CONFLICT (arn) DO UPDATE SET record = excluded.record`);
  const deleteAttachment = db.prepare('DELETE FROM attachments WHERE arn = ?');
  const putMeta = db.prepare(
    'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
  const putImage = db.prepare(`INSERT INTO images (id, record) VALUES (?, ?)
    ON CONFLICT (id) DO UPDATE SET record = excluded.record WHERE record <> excluded.record`);
  const deleteImage = db.prepare('DELETE FROM images WHERE id = ?');
  const deleteMeta = db.prepare('DELETE FROM meta WHERE key = ?');

  return (change) => {
    switch (change.kind) {
      case 'putTask':
        putTask.run(change.id, change.record);
        for (const { key, record } of change.containers) putContainer.run(key, change.id, record);
        dropOtherContainers.run(change.id, JSON.stringify(change.containers.map((c) => c.key)));
        return undefined;
      case 'deleteTask':
        deleteTask.run(change.id);
        deleteContainers.run(change.id);
        deleteTimeline.run(change.id);
        return undefined;
      case 'appendTimeline':
        for (const record of change.records) appendTimeline.run(change.id, record);
        trimTimeline.run(change.id);
        return undefined;
      case 'enqueueReport':
        return Number(enqueueReport.run(change.record).lastInsertRowid);
      case 'deleteReport':
        deleteReport.run(change.id);
        return undefined;
      case 'putAttachment':
        putAttachment.run(change.arn, change.record);
        return undefined;
      case 'deleteAttachment':
        deleteAttachment.run(change.arn);
        return undefined;
      case 'putMeta':
        putMeta.run(change.key, change.value);
        return undefined;
      case 'deleteMeta':
        deleteMeta.run(change.key);
        return undefined;
      case 'putImage':
        putImage.run(change.id, change.record);
        return undefined;
      case 'deleteImage':
        deleteImage.run(change.imageId);
        return undefined;
    }
  };
}
