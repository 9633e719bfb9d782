import type { TaskArn } from '../task/ids.ts';
import type { StateReport } from '../task/report.ts';
import type { TaskState } from '../task/task-state.ts';

/**
 * The agent's durable memory. `commit` applies all changes or none and resolves once they are on the disk
 * (fsync): nothing is acked or reported before. Commits that arrive together share one transaction.
 */
export interface Store {
  load(): Promise<StoredState>;
  commit(changes: readonly StoreChange[]): Promise<void>;
  /** Waits for what is under way and closes. */
  close(): Promise<void>;
}

export type StoreChange =
  | { readonly kind: 'putTask'; readonly task: TaskState }
  | { readonly kind: 'deleteTask'; readonly arn: TaskArn }
  /** Appends to the outbox; ids grow, reports of one task are sent in the order of their ids. */
  | { readonly kind: 'enqueueReport'; readonly report: StateReport }
  | { readonly kind: 'deleteReport'; readonly id: number }
  | { readonly kind: 'putMeta'; readonly key: MetaKey; readonly value: string }
  | { readonly kind: 'deleteMeta'; readonly key: MetaKey };

/** Keys of ENG-120, plus the boot id of the host at the last start. */
export type MetaKey =
  | 'agent-version'
  | 'availability-zone'
  | 'cluster-name'
  | 'container-instance-arn'
  | 'ec2-instance-id'
  | 'task-manifest-seq-num'
  | 'boot-id';

export interface StoredState {
  readonly tasks: readonly TaskState[];
  /** Unsent reports, oldest first. */
  readonly outbox: readonly QueuedReport[];
  readonly meta: ReadonlyMap<MetaKey, string>;
  /** Records that did not parse: set aside in the database, never fatal. */
  readonly quarantined: readonly { readonly table: string; readonly key: string; readonly error: string }[];
}

export interface QueuedReport {
  readonly id: number;
  readonly report: StateReport;
}
