import type { EniAttachment } from '../task/eni-attachment.ts';
import type { TaskArn } from '../task/ids.ts';
import type { ImageUse } from '../task/image-use.ts';
import type { TaskState } from '../task/task-state.ts';
import type { Transition } from '../task/timeline.ts';
import {
  type MetaKey,
  type QueuedReport,
  type Store,
  type StoreChange,
  type StoredState,
  StoreError,
  TIMELINE_LIMIT,
} from './store.ts';
import { withUnsettledCounted } from './unsettled.ts';

/** A store that forgets: for ECS_CHECKPOINT=false, when each start begins anew (ECS-29). */
export function memoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  readonly #tasks = new Map<TaskArn, TaskState>();
  readonly #timelines = new Map<TaskArn, readonly Transition[]>();
  readonly #outbox = new Map<number, QueuedReport>();
  readonly #attachments = new Map<string, EniAttachment>();
  readonly #meta = new Map<MetaKey, string>();
  readonly #images = new Map<string, ImageUse>();
  #lastId = 0;
  #closed = false;

  async load(): Promise<StoredState> {
    this.#assertOpen();
    const outbox = [...this.#outbox.values()];
    return {
      tasks: withUnsettledCounted([...this.#tasks.values()], outbox),
      outbox,
      attachments: [...this.#attachments.values()],
      meta: new Map(this.#meta),
      images: [...this.#images.values()],
      quarantined: [],
    };
  }

  async commit(changes: readonly StoreChange[]): Promise<readonly number[]> {
    this.#assertOpen();
    return changes.map((change) => this.#apply(change)).filter((id) => id !== undefined);
  }

  async timeline(arn: TaskArn): Promise<readonly Transition[]> {
    this.#assertOpen();
    return this.#timelines.get(arn) ?? [];
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #apply(change: StoreChange): number | undefined {
    switch (change.kind) {
      case 'putTask':
        this.#tasks.set(change.task.spec.arn, change.task);
        return undefined;
      case 'deleteTask':
        this.#tasks.delete(change.arn);
        this.#timelines.delete(change.arn);
        return undefined;
      case 'appendTimeline': {
        const kept = this.#timelines.get(change.arn) ?? [];
        this.#timelines.set(change.arn, [...kept, ...change.transitions].slice(-TIMELINE_LIMIT));
        return undefined;
      }
      case 'enqueueReport': {
        this.#lastId += 1;
        this.#outbox.set(this.#lastId, { id: this.#lastId, report: change.report });
        return this.#lastId;
      }
      case 'deleteReport':
        this.#outbox.delete(change.id);
        return undefined;
      case 'putAttachment':
        this.#attachments.set(change.attachment.arn, change.attachment);
        return undefined;
      case 'deleteAttachment':
        this.#attachments.delete(change.arn);
        return undefined;
      case 'putMeta':
        this.#meta.set(change.key, change.value);
        return undefined;
      case 'deleteMeta':
        this.#meta.delete(change.key);
        return undefined;
      case 'putImage':
        this.#images.set(change.image.imageId, change.image);
        return undefined;
      case 'deleteImage':
        this.#images.delete(change.imageId);
        return undefined;
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError('closed', 'the store is closed: the agent is stopping');
  }
}
