import type { EniAttachment } from '../task/eni-attachment.ts';
import type { TaskArn } from '../task/ids.ts';
import type { ImageUse } from '../task/image-use.ts';
import type { StateReport } from '../task/report.ts';
import type { TaskState } from '../task/task-state.ts';
import type { Transition } from '../task/timeline.ts';

/**
 * The agent's durable memory. `commit` applies all changes or none and resolves once they are on the disk
 * (fsync): nothing is acked or reported before. Commits that arrive together share one transaction and are
 * applied in the order of their calls. A rejected commit has changed nothing, and the store stays usable.
 */
export interface Store {
  load(): Promise<StoredState>;
  /**
   * Resolves with the outbox ids of the enqueued reports, one for each `enqueueReport` of `changes` in their
   * order. Rejects with `StoreError` when the disk refused.
   */
  commit(changes: readonly StoreChange[]): Promise<readonly number[]>;
  /** What was kept of a task's moves, oldest first; empty for one that is not known. Only reads. */
  timeline(arn: TaskArn): Promise<readonly Transition[]>;
  /** Waits for what is under way and closes. */
  close(): Promise<void>;
}

export type StoreChange =
  | { readonly kind: 'putTask'; readonly task: TaskState }
  /** Also forgets the task's timeline. */
  | { readonly kind: 'deleteTask'; readonly arn: TaskArn }
  /** Keeps moves of a task; of more than TIMELINE_LIMIT the oldest go. */
  | {
      readonly kind: 'appendTimeline';
      readonly arn: TaskArn;
      readonly transitions: readonly Transition[];
    }
  /** Appends to the outbox; ids grow, reports of one task are sent in the order of their ids. */
  | { readonly kind: 'enqueueReport'; readonly report: StateReport }
  | { readonly kind: 'deleteReport'; readonly id: number }
  | { readonly kind: 'putAttachment'; readonly attachment: EniAttachment }
  | { readonly kind: 'deleteAttachment'; readonly arn: string }
  | { readonly kind: 'putMeta'; readonly key: MetaKey; readonly value: string }
  | { readonly kind: 'deleteMeta'; readonly key: MetaKey }
  | { readonly kind: 'putImage'; readonly image: ImageUse }
  | { readonly kind: 'deleteImage'; readonly imageId: string };

/** Moves kept of one task: a container that restarts for ever does not fill the disk. */
export const TIMELINE_LIMIT = 500;

/** Keys of ENG-120, plus the boot id of the host at the last start and counters of containers that are restarted. */
export const META_KEYS = [
  'agent-version',
  'availability-zone',
  'cluster-name',
  'container-instance-arn',
  'ec2-instance-id',
  'task-manifest-seq-num',
  'boot-id',
  'endpoint-secret',
  'restart-counters',
] as const;
export type MetaKey = (typeof META_KEYS)[number];

export interface StoredState {
  /** `unsettledReports` of each is the number of its reports in `outbox`. */
  readonly tasks: readonly TaskState[];
  /** Unsent reports, oldest first. */
  readonly outbox: readonly QueuedReport[];
  readonly attachments: readonly EniAttachment[];
  readonly meta: ReadonlyMap<MetaKey, string>;
  /** Images that tasks brought. */
  readonly images: readonly ImageUse[];
  /** Records that did not parse: set aside in the database, never fatal. */
  readonly quarantined: readonly { readonly table: string; readonly key: string; readonly error: string }[];
  /** Where an unreadable database was moved before this empty one was begun; absent: nothing was lost. */
  readonly setAside?: { readonly path: string; readonly error: string };
}

export interface QueuedReport {
  readonly id: number;
  readonly report: StateReport;
}

/** Nothing of the commit was written, or the database could not be opened. Says what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  /**
   * `locked`: another agent has this data directory. `newer`: written by a newer agent. `full`: no space left.
   * `closed`: called after `close`. `io`: anything else.
   */
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export type StoreErrorCode = 'locked' | 'newer' | 'full' | 'closed' | 'io';
