import type { AcsMessageBody } from '../../wire/acs.ts';
import { type AcsHandler, addressOf } from '../handler.ts';

/** Properties without which a volume cannot be found, by what the attachment is (acs.md §9.11). */
const EBS_PROPERTIES = ['volumeId', 'volumeSizeGib', 'deviceName', 'sourceVolumeHostPath', 'volumeName'];
const RESOURCE_PROPERTIES: ReadonlyMap<string, readonly string[]> = new Map([
  ['EphemeralStorage', ['volumeID', 'deviceName', 'volumeSizeInGiB', 'requestedSizeInGiB', 'resourceID']],
  ['ElasticBlockStorage', ['volumeID', 'deviceName']],
]);
const FILE_SYSTEMS = ['xfs', 'ext2', 'ext3', 'ext4', 'ntfs'];

/** EBS volumes are not supported yet; a valid message is not acked, for the reason given for ENIs. */
export const handleConfirmAttachment: AcsHandler<'ConfirmAttachmentMessage'> = (message, context) => {
  const problem = confirmProblem(message);
  if (problem !== undefined)
    return context.log.warn({ messageId: message.messageId, problem }, 'invalid attachment; dropped');
  context.warnOnce(
    'confirm-attachment',
    { messageId: message.messageId, task: message.taskArn },
    'volume attachments are not supported and not acked: ECS will stop the task when the wait is over',
  );
};

/** What keeps the message from being acted upon, or undefined (ACS-52, ACS-88). */
export function confirmProblem(message: AcsMessageBody<'ConfirmAttachmentMessage'>): string | undefined {
  const address = addressOf(message);
  if (address === undefined) return 'a required member is missing';
  for (const arn of [
    address.clusterArn,
    address.containerInstanceArn,
    message.attachment?.attachmentArn ?? '',
  ])
    if (!isArn(arn)) return `"${arn}" is not an ARN`;
  const properties = new Map(
    (message.attachment?.attachmentProperties ?? []).map(({ name, value }) => [name ?? '', value ?? '']),
  );
  for (const [name, value] of properties)
    if (name === '' || value === '') return `property "${name}" or its value is empty`;
  const required = requiredProperties(message.attachment?.attachmentType ?? '', properties);
  if (typeof required === 'string') return required;
  const missing = required.find((name) => !properties.has(name));
  if (missing !== undefined) return `property ${missing} is missing`;
  const fileSystem = properties.get('fileSystem');
  if (fileSystem !== undefined && !FILE_SYSTEMS.includes(fileSystem))
    return `file system ${fileSystem} is unknown`;
  return undefined;
}

function requiredProperties(
  type: string,
  properties: ReadonlyMap<string, string>,
): readonly string[] | string {
  if (type === 'amazonebs') return EBS_PROPERTIES;
  const resourceType = properties.get('resourceType') ?? '';
  return RESOURCE_PROPERTIES.get(resourceType) ?? `resource type "${resourceType}" is unknown`;
}

function isArn(value: string): boolean {
  return /^arn:[^:]+:[^:]+:[^:]*:[^:]*:.+$/.test(value);
}
