import { z } from '../schema.ts';
import { type Frame, type MessageOf, parseEnvelope } from './envelope.ts';

/**
 * What agents send on the TCS channel (tcs.md §5), and how a server reads it. Times are epoch seconds with up to three
 * decimals. Frames carry a signed header block before the JSON.
 */
const text = z.nullish(z.string());
const whole = z.int();
const flag = z.nullish(z.boolean());
const time = z.nullish(z.number());

const statsSet = z.object({
  min: z.nullish(z.number()),
  max: z.nullish(z.number()),
  sum: z.nullish(z.number()),
  sampleCount: z.nullish(whole),
});
const doubleStatsSet = z.object({
  min: z.number().check(z.nonnegative()),
  max: z.number().check(z.nonnegative()),
  sum: z.number().check(z.nonnegative()),
  sampleCount: whole.check(z.nonnegative()),
});
const longStatsSet = z.object({
  min: z.number().check(z.nonnegative()),
  max: z.number().check(z.nonnegative()),
  sum: z.number().check(z.nonnegative()),
  sampleCount: whole.check(z.nonnegative()),
  overflowMin: z.nullish(z.number()),
  overflowMax: z.nullish(z.number()),
  overflowSum: z.nullish(z.number()),
});

const networkStatsSet = z.object({
  rxBytes: z.nullish(longStatsSet),
  rxDropped: z.nullish(longStatsSet),
  rxErrors: z.nullish(longStatsSet),
  rxPackets: z.nullish(longStatsSet),
  txBytes: z.nullish(longStatsSet),
  txDropped: z.nullish(longStatsSet),
  txErrors: z.nullish(longStatsSet),
  txPackets: z.nullish(longStatsSet),
  rxBytesPerSecond: z.nullish(doubleStatsSet),
  txBytesPerSecond: z.nullish(doubleStatsSet),
});

const containerMetric = z.object({
  containerName: text,
  cpuStatsSet: z.nullish(statsSet),
  memoryStatsSet: z.nullish(statsSet),
  networkStatsSet: z.nullish(networkStatsSet),
  storageStatsSet: z.nullish(
    z.object({ readSizeBytes: z.nullish(longStatsSet), writeSizeBytes: z.nullish(longStatsSet) }),
  ),
  restartStatsSet: z.nullish(z.object({ restartCount: z.nullish(whole.check(z.nonnegative())) })),
});

const serviceConnectMetrics = z.object({
  dimensions: z.nullish(z.array(z.object({ key: text, value: text }))),
  metricType: text,
  generalMetrics: z.nullish(
    z.array(
      z.object({
        metricName: text,
        metricValues: z.nullish(z.array(z.number())),
        metricCounts: z.nullish(z.array(whole)),
      }),
    ),
  ),
});

const taskMetric = z.object({
  taskArn: text,
  taskDefinitionFamily: text,
  taskDefinitionVersion: text,
  containerMetrics: z.nullish(z.array(containerMetric)),
  volumeMetrics: z.nullish(
    z.array(
      z.object({
        volumeId: text,
        volumeName: text,
        utilized: z.nullish(doubleStatsSet),
        size: z.nullish(doubleStatsSet),
      }),
    ),
  ),
  serviceConnectMetricsWrapper: z.nullish(z.array(serviceConnectMetrics)),
});

const instance = { cluster: text, containerInstance: text };

/** Agent → server. */
export const tcsAgentMessages = {
  PublishMetricsRequest: z.object({
    metadata: z.object({ ...instance, messageId: text, idle: flag, fin: flag }),
    taskMetrics: z.nullish(z.array(taskMetric)),
    timestamp: time,
  }),
  PublishHealthRequest: z.object({
    metadata: z.object({ ...instance, messageId: text, fin: flag }),
    tasks: z.nullish(
      z.array(
        z.object({
          taskArn: text,
          taskDefinitionFamily: text,
          taskDefinitionVersion: text,
          containers: z.nullish(
            z.array(
              z.object({
                containerName: text,
                healthStatus: z.nullish(z.enum(['HEALTHY', 'UNHEALTHY', 'UNKNOWN'])),
                statusSince: time,
              }),
            ),
          ),
        }),
      ),
    ),
    timestamp: time,
  }),
  PublishInstanceStatusRequest: z.object({
    metadata: z.object({ ...instance, requestId: text }),
    statuses: z.nullish(
      z.array(
        z.object({
          type: text,
          status: z.nullish(z.enum(['OK', 'IMPAIRED', 'INSUFFICIENT_DATA', 'INITIALIZING'])),
          lastUpdated: time,
          lastStatusChange: time,
        }),
      ),
    ),
    timestamp: time,
  }),
} as const;

export type TcsAgentMessage = MessageOf<typeof tcsAgentMessages>;

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
