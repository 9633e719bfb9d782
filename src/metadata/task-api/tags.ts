import { EcsApiError } from '../../ecs/ecs-api.ts';
import type { TaskArn } from '../../task/ids.ts';
import type { TagsView } from './task-documents.ts';

/** Gives the tags of a resource; rejects with `EcsApiError`. */
export type TagsOf = (resourceArn: string, signal: AbortSignal) => Promise<Readonly<Record<string, string>>>;

/** Below the time in which an answer must be written. */
const TIMEOUT_MS = 4000;

/**
 * Tags of the instance, then of the task (metadata-endpoints.md §4.2). What cannot be had is left out, with an
 * entry that says why (TMDS-109).
 */
export async function readTags(
  tagsOf: TagsOf,
  task: TaskArn,
  containerInstance: string | undefined,
): Promise<TagsView> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const errors: unknown[] = [];
  const read = async (field: string, arn: string | undefined) => {
    if (arn === undefined) return undefined;
    try {
      const tags = await tagsOf(arn, signal);
      return Object.keys(tags).length === 0 ? undefined : tags;
    } catch (error) {
      errors.push(errorEntry(field, arn, error));
      return undefined;
    }
  };
  const containerInstanceTags = await read('ContainerInstanceTags', containerInstance);
  const taskTags = await read('TaskTags', task);
  return {
    ...(taskTags !== undefined && { taskTags }),
    ...(containerInstanceTags !== undefined && { containerInstanceTags }),
    errors,
  };
}

function errorEntry(field: string, arn: string, error: unknown): unknown {
  const known = error instanceof EcsApiError ? error : undefined;
  return {
    ErrorField: field,
    ErrorCode: known?.code ?? 'RequestCanceled',
    ErrorMessage: known?.answer?.message ?? (error instanceof Error ? error.message : String(error)),
    ...(known !== undefined && known.httpStatus !== 0 && { StatusCode: known.httpStatus }),
    ...(known?.answer?.requestId !== undefined && { RequestId: known.answer.requestId }),
    ResourceARN: arn,
  };
}
