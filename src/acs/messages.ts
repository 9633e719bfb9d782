import type { AcsMessageType } from '../wire/acs.ts';
import type { AcsHandler } from './handler.ts';
import { handleAttachInstanceEnis, handleAttachTaskEnis } from './handlers/attach-network-interfaces.ts';
import { handleConfirmAttachment } from './handlers/confirm-attachment.ts';
import { handleHeartbeat } from './handlers/heartbeat.ts';
import { handlePayload } from './handlers/payload.ts';
import { handleRoleCredentials } from './handlers/role-credentials.ts';
import { handleTaskManifest } from './handlers/task-manifest.ts';
import { handleTaskStopVerification } from './handlers/task-stop-verification.ts';
import { handleUpdate } from './handlers/update.ts';

/** What is done about a message; without a handler it only counts as activity (acs.md §7.5). */
export interface MessageEntry<T extends AcsMessageType> {
  /** The answer in words, as docs/acs-messages.md shows it. */
  readonly answer: string;
  readonly handle?: AcsHandler<T>;
}

const NOTE_ONLY = { answer: 'none: logged, counts as activity' };
const OUR_OWN = { answer: 'none: only the agent sends it, counts as activity' };

/** Every message that ACS may carry and the answer to it. */
export const ACS_MESSAGES: { readonly [T in AcsMessageType]: MessageEntry<T> } = {
  PayloadMessage: {
    answer:
      '`AckRequest` and one `IAMRoleCredentialsAckRequest` per credential set, once every task is on the disk; none if a task is invalid or could not be stored',
    handle: handlePayload,
  },
  TaskManifestMessage: {
    answer:
      '`AckRequest`, and `TaskStopVerificationMessage` if tasks run that are not listed; none if the manifest is not newer',
    handle: handleTaskManifest,
  },
  TaskStopVerificationAck: {
    answer: 'none: the listed tasks are stopped',
    handle: handleTaskStopVerification,
  },
  IAMRoleCredentialsMessage: {
    answer:
      '`IAMRoleCredentialsAckRequest`; none for an unknown task, an unknown role type or no credentialsId',
    handle: handleRoleCredentials,
  },
  HeartbeatMessage: { answer: '`HeartbeatAckRequest` at once', handle: handleHeartbeat },
  AttachTaskNetworkInterfacesMessage: {
    answer:
      '`AckRequest` once it is on the disk, later `SubmitTaskStateChange` with the attachment; none if it is invalid or ECS_ENABLE_TASK_ENI is off',
    handle: handleAttachTaskEnis,
  },
  AttachInstanceNetworkInterfacesMessage: {
    answer:
      '`AckRequest` once it is on the disk, later `SubmitAttachmentStateChanges`; none if it is invalid or ECS_ENABLE_TASK_ENI is off',
    handle: handleAttachInstanceEnis,
  },
  ConfirmAttachmentMessage: {
    answer: 'none yet: not supported, so that ECS fails the task when its wait is over',
    handle: handleConfirmAttachment,
  },
  StageUpdateMessage: { answer: '`NackRequest` with reason `Updates are disabled`', handle: handleUpdate },
  PerformUpdateMessage: { answer: '`NackRequest` with reason `Updates are disabled`', handle: handleUpdate },
  CloseMessage: NOTE_ONLY,
  ErrorMessage: NOTE_ONLY,
  ServerException: NOTE_ONLY,
  BadRequestException: NOTE_ONLY,
  InvalidClusterException: NOTE_ONLY,
  InvalidInstanceException: NOTE_ONLY,
  AccessDeniedException: NOTE_ONLY,
  InactiveInstanceException: NOTE_ONLY,
  AckRequest: OUR_OWN,
  NackRequest: OUR_OWN,
  HeartbeatAckRequest: OUR_OWN,
  IAMRoleCredentialsAckRequest: OUR_OWN,
  TaskStopVerificationMessage: OUR_OWN,
};
