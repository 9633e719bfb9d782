import type { Logger } from 'pino';
import type { AttachmentIntake } from '../attachment/attachment-intake.ts';
import type { CredentialsStore, RoleCredentials } from '../credentials/credentials-store.ts';
import type { TaskIntake } from '../engine/task-intake.ts';
import type { AcsAgentMessage, AcsMessageBody, AcsMessageType } from '../wire/acs.ts';
import { nonEmpty } from './absent.ts';
import type { ManifestState } from './manifest-state.ts';

/** What the handlers of ACS messages act on. */
export interface AcsContext {
  readonly intake: TaskIntake;
  readonly credentials: CredentialsStore;
  readonly manifests: ManifestState;
  /** Absent: this agent takes no ENIs. */
  readonly attachments?: AttachmentIntake;
  readonly log: Logger;
  /** Epoch ms. */
  now(): number;
  /** Starts a run of the instance's health checks; must not wait for it. */
  onHeartbeat(): void;
  /** Warns the first time for a topic, later only in the debug log. */
  warnOnce(topic: string, fields: object, message: string): void;
}

/** Sends an answer on the connection that the message came from; never throws, never waits. */
export type Reply = (message: AcsAgentMessage) => void;

/**
 * Handles one message. Messages come one at a time in order of arrival and may be repeated, so a handler is
 * idempotent. What it throws is logged and means "not handled": nothing is answered.
 */
export type AcsHandler<T extends AcsMessageType> = (
  message: AcsMessageBody<T>,
  context: AcsContext,
  reply: Reply,
) => Promise<void> | void;

/** The members that make a message answerable by an ack. */
export interface Address {
  readonly messageId: string;
  readonly clusterArn: string;
  readonly containerInstanceArn: string;
}

/** The address of a message, or undefined when a part of it is missing or empty. */
export function addressOf(message: {
  readonly messageId?: string | null | undefined;
  readonly clusterArn?: string | null | undefined;
  readonly containerInstanceArn?: string | null | undefined;
}): Address | undefined {
  const messageId = nonEmpty(message.messageId);
  const clusterArn = nonEmpty(message.clusterArn);
  const containerInstanceArn = nonEmpty(message.containerInstanceArn);
  if (messageId === undefined || clusterArn === undefined || containerInstanceArn === undefined)
    return undefined;
  return { messageId, clusterArn, containerInstanceArn };
}

/** The ack of a message, its address echoed verbatim (acs.md §9.2). */
export function ackOf({ messageId, clusterArn, containerInstanceArn }: Address): AcsAgentMessage {
  return {
    type: 'AckRequest',
    message: { cluster: clusterArn, containerInstance: containerInstanceArn, messageId },
  };
}

/** The ack of one credential set; the expiration goes back verbatim (acs.md §9.5). */
export function credentialsAckOf(
  messageId: string,
  { credentialsId, expiration }: RoleCredentials,
): AcsAgentMessage {
  return {
    type: 'IAMRoleCredentialsAckRequest',
    message: { messageId, credentialsId, expiration: nonEmpty(expiration) },
  };
}
