import { z } from '../schema.ts';
import { encodeEnvelope, type Frame, parseEnvelope } from './envelope.ts';
import type { TcsAgentMessage } from './tcs-agent.ts';

/** What a server sends on the TCS channel (tcs.md §5), bare JSON, and how an agent speaks to it. */
const note = z.object({ message: z.nullish(z.string()) });

export const tcsServerMessages = {
  AckPublishMetric: note,
  AckPublishHealth: note,
  AckPublishInstanceStatus: note,
  HeartbeatMessage: z.object({ healthy: z.nullish(z.boolean()) }),
  StopTelemetrySessionMessage: note,
  ServerException: note,
  BadRequestException: note,
  ResourceValidationException: note,
  InvalidParameterException: note,
} as const;

/** Exceptions of the one-member form. */
const TCS_EXCEPTIONS = [
  'ServerException',
  'BadRequestException',
  'ResourceValidationException',
  'InvalidParameterException',
];

export type TcsFrame = Frame<typeof tcsServerMessages>;
export type TcsMessageType = keyof typeof tcsServerMessages;

/** Reads a frame that came from the server. Never throws. */
export function parseFrame(frame: string): TcsFrame {
  return parseEnvelope(frame, tcsServerMessages, TCS_EXCEPTIONS);
}

/** The JSON part of a frame to the server. */
export function encodeAgentMessage({ type, message }: TcsAgentMessage): string {
  return encodeEnvelope(type, message);
}

/** Epoch ms as TCS wants times: seconds, three decimals at most (TCS-14). */
export function tcsTime(epochMs: number): number {
  return Math.round(epochMs) / 1000;
}
