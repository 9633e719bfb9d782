import { taskIdOf } from '../task/ids.ts';
import { attachmentRecordFormat } from './attachment-record.ts';
import { imageRecordFormat } from './image-record.ts';
import type { StoreChange } from './store.ts';
import { containerRecordFormat, reportRecordFormat, taskRecordFormat, toRecords } from './task-record.ts';
import { transitionRecordFormat } from './timeline-record.ts';

/** A change in the form in which it is written: keys and JSON text. */
export type EncodedChange =
  | {
      readonly kind: 'putTask';
      readonly id: string;
      readonly record: string;
      readonly containers: readonly { readonly key: string; readonly record: string }[];
    }
  | { readonly kind: 'deleteTask'; readonly id: string }
  | { readonly kind: 'appendTimeline'; readonly id: string; readonly records: readonly string[] }
  | { readonly kind: 'enqueueReport'; readonly record: string }
  | { readonly kind: 'putImage'; readonly id: string; readonly record: string }
  | { readonly kind: 'putAttachment'; readonly arn: string; readonly record: string }
  | Exclude<
      StoreChange,
      {
        kind: 'putTask' | 'deleteTask' | 'appendTimeline' | 'enqueueReport' | 'putImage' | 'putAttachment';
      }
    >;

/** Fixes what a change writes at the moment of its commit, whatever becomes of the objects after that. */
export function encodeChange(change: StoreChange): EncodedChange {
  switch (change.kind) {
    case 'putTask': {
      const id = taskIdOf(change.task.spec.arn);
      const { task, containers } = toRecords(change.task);
      return {
        kind: 'putTask',
        id,
        record: taskRecordFormat.encode(task),
        containers: containers.map((container) => ({
          key: `${id}-${container.name}`,
          record: containerRecordFormat.encode(container),
        })),
      };
    }
    case 'deleteTask':
      return { kind: 'deleteTask', id: taskIdOf(change.arn) };
    case 'appendTimeline':
      return {
        kind: 'appendTimeline',
        id: taskIdOf(change.arn),
        records: change.transitions.map(transitionRecordFormat.encode),
      };
    case 'enqueueReport':
      return { kind: 'enqueueReport', record: reportRecordFormat.encode(change.report) };
    case 'putImage':
      return {
        kind: 'putImage',
        id: change.image.imageId,
        record: imageRecordFormat.encode(change.image),
      };
    case 'putAttachment': {
      const { attachment } = change;
      return {
        kind: 'putAttachment',
        arn: attachment.arn,
        record: attachmentRecordFormat.encode(attachment),
      };
    }
    default:
      return change;
  }
}
