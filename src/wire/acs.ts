import { z } from '../schema.ts';
import { attachmentSchema, elasticNetworkInterfaceSchema, iamRoleCredentialsSchema } from './acs-payload.ts';
import { encodeEnvelope, type Frame, type MessageOf, parseEnvelope } from './envelope.ts';

/**
 * Messages of the ACS channel (acs.md §8, §9). Absent and null mean the same, unknown members are dropped; which
 * members a message cannot do without is for its handler to say.
 */
const text = z.nullish(z.string());
const whole = z.nullish(z.int());

const note = z.object({ message: text });
const addressed = { messageId: text, clusterArn: text, containerInstanceArn: text };

const taskIdentifier = z.object({ taskArn: text, taskClusterArn: text, desiredStatus: text });

/** Tasks stay unparsed here: one that does not parse must not take the others with it (acs.md §9.1). */
const payloadMessage = z.object({ ...addressed, tasks: z.nullish(z.array(z.unknown())), seqNum: whole });

const attachEnis = {
  ...addressed,
  waitTimeoutMs: z.nullish(z.number()),
  elasticNetworkInterfaces: z.nullish(z.array(z.nullable(elasticNetworkInterfaceSchema))),
};

const update = z.object({
  ...addressed,
  updateInfo: z.nullish(z.object({ location: text, signature: text })),
});

const ack = z.object({ cluster: text, containerInstance: text, messageId: text });

/** Exceptions that the server may send as a message or as the answer to an upgrade. */
export const ACS_EXCEPTIONS = [
  'ServerException',
  'BadRequestException',
  'InvalidClusterException',
  'InvalidInstanceException',
  'AccessDeniedException',
  'InactiveInstanceException',
] as const;

/** Agent → server. */
export const acsAgentMessages = {
  AckRequest: ack,
  NackRequest: z.extend(ack, { reason: text }),
  HeartbeatAckRequest: z.object({ messageId: text }),
  IAMRoleCredentialsAckRequest: z.object({ messageId: text, expiration: text, credentialsId: text }),
  TaskStopVerificationMessage: z.object({
    messageId: text,
    stopCandidates: z.nullish(z.array(taskIdentifier)),
  }),
} as const;

/** Server → agent. */
export const acsServerMessages = {
  PayloadMessage: payloadMessage,
  TaskManifestMessage: z.object({
    ...addressed,
    tasks: z.nullish(z.array(z.nullable(taskIdentifier))),
    timeline: whole,
  }),
  TaskStopVerificationAck: z.object({
    messageId: text,
    stopTasks: z.nullish(z.array(z.nullable(taskIdentifier))),
  }),
  IAMRoleCredentialsMessage: z.object({
    messageId: text,
    taskArn: text,
    roleType: text,
    roleCredentials: z.nullish(iamRoleCredentialsSchema),
  }),
  AttachTaskNetworkInterfacesMessage: z.object({ ...attachEnis, taskArn: text }),
  AttachInstanceNetworkInterfacesMessage: z.object(attachEnis),
  ConfirmAttachmentMessage: z.object({
    ...addressed,
    taskArn: text,
    waitTimeoutMs: z.nullish(z.number()),
    attachment: z.nullish(attachmentSchema),
  }),
  HeartbeatMessage: z.object({ messageId: text }),
  StageUpdateMessage: update,
  PerformUpdateMessage: update,
  CloseMessage: note,
  ErrorMessage: note,
  ServerException: note,
  BadRequestException: note,
  InvalidClusterException: note,
  InvalidInstanceException: note,
  AccessDeniedException: note,
  InactiveInstanceException: note,
} as const;

/** Every name that counts as recognised when it comes from the server (acs.md §7.5). */
const recognisedMessages = { ...acsServerMessages, ...acsAgentMessages } as const;

export type AcsMessageType = keyof typeof recognisedMessages;
export type AcsMessage = MessageOf<typeof recognisedMessages>;
export type AcsMessageBody<T extends AcsMessageType> = z.infer<(typeof recognisedMessages)[T]>;
export type AcsFrame = Frame<typeof recognisedMessages>;
export type AcsAgentMessage = MessageOf<typeof acsAgentMessages>;

/** Reads a frame that came from the server. Never throws. */
export function parseFrame(frame: string): AcsFrame {
  return parseEnvelope(frame, recognisedMessages, ACS_EXCEPTIONS);
}

/** Reads a frame that came from an agent; for the server's side. Never throws. */
export function parseAgentFrame(frame: string): Frame<typeof acsAgentMessages> {
  return parseEnvelope(frame, acsAgentMessages, []);
}

/** The text frame of a message to the server (ACS-11). */
export function encodeAgentMessage({ type, message }: AcsAgentMessage): string {
  return encodeEnvelope(type, message);
}

/**
 * `<ErrorName>: <text>` when the body of a refused upgrade is one of the two forms of acs.md §3.1 with a known
 * name, else undefined.
 */
export function describeRefusal(body: string): string | undefined {
  const frame = parseFrame(body);
  if (frame.kind === 'error') return `${frame.name}: ${frame.text}`;
  if (frame.kind !== 'message') return undefined;
  const { type, message } = frame.message;
  if (!(ACS_EXCEPTIONS as readonly string[]).includes(type)) return undefined;
  return `${type}: ${'message' in message && typeof message.message === 'string' ? message.message : ''}`;
}
