import type { DatabaseSync } from 'node:sqlite';
import { z } from '../schema.ts';
import { type TaskArn, taskIdOf } from '../task/ids.ts';
import type { Transition } from '../task/timeline.ts';
import { type RecordFormat, versionedRecord } from './versioned-record.ts';

/** Events by which an agent of another version moved a task may be ones that this one does not have. */
const why = z.pipe(
  z.string(),
  z.transform((kind) => kind as Transition['why']),
);

const transition = z.object({
  at: z.int(),
  container: z.exactOptional(z.string()),
  what: z.enum(['known', 'desired', 'restart']),
  from: z.string(),
  to: z.string(),
  lasted: z.number(),
  why,
  reason: z.exactOptional(z.string()),
  exitCode: z.exactOptional(z.int()),
});

export const transitionRecordFormat: RecordFormat<Transition> = versionedRecord<Transition>(transition);

/** A task's kept moves, oldest first. What cannot be read is left out: it tells, and nothing depends on it. */
export function readTimeline(db: DatabaseSync, arn: TaskArn): readonly Transition[] {
  return db
    .prepare('SELECT record FROM timeline WHERE task_id = ? ORDER BY id')
    .all(taskIdOf(arn))
    .flatMap(({ record }) => {
      try {
        return [transitionRecordFormat.parse(String(record))];
      } catch {
        return [];
      }
    });
}
