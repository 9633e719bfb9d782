import type { PayloadTask } from '../wire/acs-payload.ts';
import { nonEmpty } from './absent.ts';
import { InvalidTaskError } from './invalid-task.ts';

type PayloadAttachment = NonNullable<PayloadTask['attachments']>[number];

/** Attachment types that mean something in a payload; others are ignored (acs.md §10.1). */
export const TASK_ATTACHMENT_TYPES = ['serviceconnectdetail', 'amazonebs', 's3files'] as const;
export type TaskAttachmentType = (typeof TASK_ATTACHMENT_TYPES)[number];

/** An attachment of a payload task with its properties by name. */
export interface TaskAttachment {
  readonly type: TaskAttachmentType;
  readonly properties: ReadonlyMap<string, string>;
}

const REQUIRED: Readonly<Record<TaskAttachmentType, readonly string[]>> = {
  serviceconnectdetail: ['ContainerName', 'ServiceConnectConfig'],
  amazonebs: ['volumeId', 'volumeName', 'sourceVolumeHostPath'],
  s3files: ['volumeId', 'volumeName'],
};

/** Reads the attachments of a task that this agent knows. Throws `InvalidTaskError` (acs.md §10.5, §11). */
export function parseAttachments(
  attachments: readonly PayloadAttachment[],
  containerNames: readonly string[],
): readonly TaskAttachment[] {
  return attachments.flatMap((attachment) => {
    const type = TASK_ATTACHMENT_TYPES.find((known) => known === attachment.attachmentType);
    return type === undefined ? [] : [parseAttachment(type, attachment, containerNames)];
  });
}

/** Names of the volumes that attachments bring (ACS-58). */
export function attachedVolumeNames(attachments: readonly TaskAttachment[]): ReadonlySet<string> {
  return new Set(
    attachments.flatMap(({ type, properties }) => {
      const name = type === 'serviceconnectdetail' ? undefined : properties.get('volumeName');
      return name === undefined ? [] : [name];
    }),
  );
}

function parseAttachment(
  type: TaskAttachmentType,
  { attachmentProperties }: PayloadAttachment,
  containerNames: readonly string[],
): TaskAttachment {
  const properties = new Map(
    (attachmentProperties ?? []).map(({ name, value }) => [name ?? '', value ?? ''] as const),
  );
  for (const name of REQUIRED[type])
    if (nonEmpty(properties.get(name)) === undefined)
      throw new InvalidTaskError(`attachment ${type} has no ${name}`);
  if (type === 'amazonebs')
    for (const [name, value] of properties)
      if (value === '') throw new InvalidTaskError(`attachment ${type} has an empty ${name}`);
  if (type === 'serviceconnectdetail') checkServiceConnect(properties, containerNames);
  return { type, properties };
}

function checkServiceConnect(
  properties: ReadonlyMap<string, string>,
  containerNames: readonly string[],
): void {
  const proxy = properties.get('ContainerName');
  const matches = containerNames.filter((name) => name === proxy).length;
  if (matches !== 1)
    throw new InvalidTaskError(`the Service Connect container ${proxy} is in the task ${matches} times`);
  try {
    const config: unknown = JSON.parse(properties.get('ServiceConnectConfig') ?? '');
    if (typeof config !== 'object' || config === null || Array.isArray(config))
      throw new Error('not an object');
  } catch (error) {
    throw new InvalidTaskError('ServiceConnectConfig cannot be read', { cause: error });
  }
}
