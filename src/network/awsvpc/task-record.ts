import { z } from '../../schema.ts';
import type { TaskId } from '../../task/ids.ts';
import { RecordFiles } from '../record-files.ts';

const recordSchema = z.object({
  version: z.literal(1),
  task: z.pipe(
    z.string(),
    z.transform((value) => value as TaskId),
  ),
  /** Whether its namespace has its ENI and all else; what is not there yet is made before a process runs in it. */
  isComplete: z.boolean(),
  /** MAC address of its branch ENI, whose vlan may be anywhere on its way. */
  branchMac: z.exactOptional(z.string()),
});

/** What a task has of the network; written before anything is made for it, removed after everything is gone. */
export type TaskNetworkRecord = z.output<typeof recordSchema>;

export type TaskNetworkRecords = RecordFiles<TaskId, TaskNetworkRecord>;

export function openTaskNetworkRecords(directory: string): TaskNetworkRecords {
  return new RecordFiles(directory, recordSchema, (task: TaskId) => `${task}.json`);
}
