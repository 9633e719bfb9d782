import { listTagsForResourceSchema, tagResourceSchema, untagResourceSchema } from '../../wire/ecs-api.ts';
import type { Tag } from '../../wire/task-definition.ts';
import { invalidParameter } from '../api-error.ts';
import { type Call, type Operation, operation } from '../operation.ts';

export const tagOperations: Readonly<Record<string, Operation>> = {
  ListTagsForResource: operation(listTagsForResourceSchema, (input, call) => ({
    tags: taggable(call, input.resourceArn).tags,
  })),

  TagResource: operation(tagResourceSchema, (input, call) => {
    const resource = taggable(call, input.resourceArn);
    const tags = new Map([...resource.tags, ...input.tags].map((tag) => [tag.key, tag]));
    resource.replace([...tags.values()]);
    return {};
  }),

  UntagResource: operation(untagResourceSchema, (input, call) => {
    const resource = taggable(call, input.resourceArn);
    resource.replace(resource.tags.filter(({ key }) => !input.tagKeys.includes(key)));
    return {};
  }),
};

interface Taggable {
  readonly tags: readonly Tag[];
  replace(tags: Tag[]): void;
}

function taggable(call: Call, arn: string): Taggable {
  const { clusters, instances, taskDefinitions, tasks } = call.state;
  const resource = of(clusters, arn) ?? of(instances, arn) ?? of(taskDefinitions, arn) ?? of(tasks, arn);
  if (resource === undefined) {
    throw invalidParameter('The specified resource was not found; give its ARN.');
  }
  return resource;
}

interface TaggedCollection<T> {
  get(key: string): T | undefined;
  put(key: string, record: T): void;
}

function of<T extends { readonly tags: Tag[] }>(
  collection: TaggedCollection<T>,
  arn: string,
): Taggable | undefined {
  const record = collection.get(arn);
  return record && { tags: record.tags, replace: (tags) => collection.put(arn, { ...record, tags }) };
}
