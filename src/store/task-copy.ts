import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from '../schema.ts';
import type { TaskState } from '../task/task-state.ts';
import { META_KEYS, type MetaKey } from './store.ts';
import { containerRecordFormat, fromRecords, taskRecordFormat, toRecords } from './task-record.ts';

/**
 * A task's record as it was when one of its containers was made. It lies with that container in the runtime, so
 * that the task can be gone on with when the database is lost (docs/adr/0003-lost-state.md). It holds what the
 * database holds: neither the values of secrets nor credentials of roles.
 */
export interface TaskCopy {
  /** When it was made, epoch ms. */
  readonly at: number;
  /** Whose task it is: what else the next start needs of the database. */
  readonly meta: ReadonlyMap<MetaKey, string>;
  readonly task: TaskState;
}

const schema = z.object({
  v: z.literal(1),
  at: z.int(),
  meta: z.partialRecord(z.enum(META_KEYS), z.string()),
  task: z.string(),
  containers: z.array(z.string()),
});

/** Packed: a runtime gives all containers in one answer, whose size has a limit. */
export function encodeTaskCopy({ at, meta, task }: TaskCopy): Uint8Array {
  const records = toRecords(task);
  const copy: z.infer<typeof schema> = {
    v: 1,
    at,
    meta: Object.fromEntries(meta),
    task: taskRecordFormat.encode(records.task),
    containers: records.containers.map(containerRecordFormat.encode),
  };
  return gzipSync(JSON.stringify(copy));
}

/** Throws an `Error` that says what is wrong with the bytes. */
export function parseTaskCopy(bytes: Uint8Array): TaskCopy {
  const copy = schema.parse(JSON.parse(gunzipSync(bytes, { maxOutputLength: MAX_BYTES }).toString()));
  const containers = copy.containers.map(containerRecordFormat.parse);
  const meta = META_KEYS.flatMap((key) => {
    const value = copy.meta[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    at: copy.at,
    meta: new Map(meta),
    task: fromRecords(
      taskRecordFormat.parse(copy.task),
      new Map(containers.map((container) => [container.name, container])),
    ),
  };
}

const MAX_BYTES = 16 * 1024 * 1024;
