import { z } from 'zod';
import { encodeEnvelope, type Frame, type MessageOf, parseEnvelope } from './envelope.ts';

/**
 * Messages of the TCS channel (tcs.md §5). Times are epoch seconds with up to three decimals. The agent's frames
 * carry a signed header block before the JSON; the server's are bare JSON.
 */
const text = z.string().nullish();
const whole = z.number().int();
const flag = z.boolean().nullish();
const time = z.number().nullish();

const statsSet = z.object({
  min: z.number().nullish(),
  max: z.number().nullish(),
  sum: z.number().nullish(),
  sampleCount: whole.nullish(),
});
const doubleStatsSet = z.object({
  min: z.number().nonnegative(),
  max: z.number().nonnegative(),
  sum: z.number().nonnegative(),
  sampleCount: whole.nonnegative(),
});
const longStatsSet = z.object({
  min: z.number().nonnegative(),
  max: z.number().nonnegative(),
  sum: z.number().nonnegative(),
  sampleCount: whole.nonnegative(),
  overflowMin: z.number().nullish(),
  overflowMax: z.number().nullish(),
  overflowSum: z.number().nullish(),
});

const networkStatsSet = z.object({
  rxBytes: longStatsSet.nullish(),
  rxDropped: longStatsSet.nullish(),
  rxErrors: longStatsSet.nullish(),
  rxPackets: longStatsSet.nullish(),
  txBytes: longStatsSet.nullish(),
  txDropped: longStatsSet.nullish(),
  txErrors: longStatsSet.nullish(),
  txPackets: longStatsSet.nullish(),
  rxBytesPerSecond: doubleStatsSet.nullish(),
  txBytesPerSecond: doubleStatsSet.nullish(),
});

const containerMetric = z.object({
  containerName: text,
  cpuStatsSet: statsSet.nullish(),
  memoryStatsSet: statsSet.nullish(),
  networkStatsSet: networkStatsSet.nullish(),
  storageStatsSet: z
    .object({ readSizeBytes: longStatsSet.nullish(), writeSizeBytes: longStatsSet.nullish() })
    .nullish(),
  restartStatsSet: z.object({ restartCount: whole.nonnegative().nullish() }).nullish(),
});

const serviceConnectMetrics = z.object({
  dimensions: z.array(z.object({ key: text, value: text })).nullish(),
  metricType: text,
  generalMetrics: z
    .array(
      z.object({
        metricName: text,
        metricValues: z.array(z.number()).nullish(),
        metricCounts: z.array(whole).nullish(),
      }),
    )
    .nullish(),
});

const taskMetric = z.object({
  taskArn: text,
  taskDefinitionFamily: text,
  taskDefinitionVersion: text,
  containerMetrics: z.array(containerMetric).nullish(),
  volumeMetrics: z
    .array(
      z.object({
        volumeId: text,
        volumeName: text,
        utilized: doubleStatsSet.nullish(),
        size: doubleStatsSet.nullish(),
      }),
    )
    .nullish(),
  serviceConnectMetricsWrapper: z.array(serviceConnectMetrics).nullish(),
});

const instance = { cluster: text, containerInstance: text };
const note = z.object({ message: text });

/** Agent → server. */
export const tcsAgentMessages = {
  PublishMetricsRequest: z.object({
    metadata: z.object({ ...instance, messageId: text, idle: flag, fin: flag }),
    taskMetrics: z.array(taskMetric).nullish(),
    timestamp: time,
  }),
  PublishHealthRequest: z.object({
    metadata: z.object({ ...instance, messageId: text, fin: flag }),
    tasks: z
      .array(
        z.object({
          taskArn: text,
          taskDefinitionFamily: text,
          taskDefinitionVersion: text,
          containers: z
            .array(
              z.object({
                containerName: text,
                healthStatus: z.enum(['HEALTHY', 'UNHEALTHY', 'UNKNOWN']).nullish(),
                statusSince: time,
              }),
            )
            .nullish(),
        }),
      )
      .nullish(),
    timestamp: time,
  }),
  PublishInstanceStatusRequest: z.object({
    metadata: z.object({ ...instance, requestId: text }),
    statuses: z
      .array(
        z.object({
          type: text,
          status: z.enum(['OK', 'IMPAIRED', 'INSUFFICIENT_DATA', 'INITIALIZING']).nullish(),
          lastUpdated: time,
          lastStatusChange: time,
        }),
      )
      .nullish(),
    timestamp: time,
  }),
} as const;

/** Server → agent. */
export const tcsServerMessages = {
  AckPublishMetric: note,
  AckPublishHealth: note,
  AckPublishInstanceStatus: note,
  HeartbeatMessage: z.object({ healthy: flag }),
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
export type TcsAgentMessage = MessageOf<typeof tcsAgentMessages>;

/** Reads a frame that came from the server. Never throws. */
export function parseFrame(frame: string): TcsFrame {
  return parseEnvelope(frame, tcsServerMessages, TCS_EXCEPTIONS);
}

/** The JSON part of a frame to the server. */
export function encodeAgentMessage({ type, message }: TcsAgentMessage): string {
  return encodeEnvelope(type, message);
}

/** A frame of an agent: its header block, empty when it is bare JSON, and the message. */
export interface SignedFrame {
  readonly headers: Readonly<Record<string, string>>;
  /** The text that was signed: everything after the empty line. */
  readonly json: string;
  readonly frame: Frame<typeof tcsAgentMessages>;
}

/** Splits an agent's frame at its first empty line and reads it; for the server's side. Never throws. */
export function parseAgentFrame(text: string): SignedFrame {
  const end = text.startsWith('{') ? -1 : text.indexOf('\r\n\r\n');
  const json = end < 0 ? text : text.slice(end + 4);
  const lines = end < 0 ? [] : text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  return { headers, json, frame: parseEnvelope(json, tcsAgentMessages, []) };
}

/** Epoch ms as TCS wants times: seconds, three decimals at most (TCS-14). */
export function tcsTime(epochMs: number): number {
  return Math.round(epochMs) / 1000;
}
