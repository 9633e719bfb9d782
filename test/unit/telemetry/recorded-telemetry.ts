import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Measurement } from '../../../src/telemetry/stats/measurement-ring.ts';
import type { TaskMeasurements } from '../../../src/telemetry/stats/metrics-requests.ts';
import type { InterfaceCounters } from '../../../src/telemetry/stats/sample.ts';

const TICK_MS = 20_000;
const MIB = 1024 * 1024;

/** A message to or from the recorded agent. */
export interface RecordedMessage {
  readonly ch: 'acs' | 'tcs';
  readonly dir: 'in' | 'out';
  readonly type: string;
  /** 20 s each, the start is 0. */
  readonly tick: number;
  readonly message: Readonly<Record<string, unknown>>;
}

const lineSchema = z.looseObject({
  ch: z.string(),
  dir: z.string(),
  event: z.string().optional(),
  type: z.string().optional(),
  ms: z.number(),
  message: z.record(z.string(), z.unknown()).optional(),
});

/** Messages of both channels in a recording, in order; what came from the server counts for the tick after it. */
export function recordedTelemetry(): readonly RecordedMessage[] {
  const text = readFileSync(new URL('../../golden/20-telemetry.jsonl', import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => lineSchema.parse(JSON.parse(line)))
    .flatMap(({ ch, dir, event, type, ms, message }): RecordedMessage[] =>
      (ch === 'acs' || ch === 'tcs') && (dir === 'in' || dir === 'out') && event === 'message'
        ? [
            {
              ch,
              dir,
              type: type ?? '',
              tick: dir === 'in' ? Math.floor(ms / TICK_MS) : Math.ceil((ms - 420) / TICK_MS),
              message: message ?? {},
            },
          ]
        : [],
    );
}

const setSchema = z.looseObject({ min: z.number(), max: z.number(), sum: z.number(), sampleCount: z.int() });
type RecordedSet = z.output<typeof setSchema>;
const networkSchema = z.record(z.string(), setSchema);
const metricsSchema = z.object({
  taskMetrics: z
    .array(
      z.object({
        taskArn: z.string(),
        taskDefinitionFamily: z.string(),
        taskDefinitionVersion: z.string(),
        containerMetrics: z.array(
          z.object({
            containerName: z.string(),
            cpuStatsSet: setSchema,
            memoryStatsSet: setSchema,
            networkStatsSet: networkSchema.optional(),
            storageStatsSet: z.object({ readSizeBytes: setSchema, writeSizeBytes: setSchema }),
          }),
        ),
      }),
    )
    .optional(),
});
type RecordedContainer = NonNullable<
  z.output<typeof metricsSchema>['taskMetrics']
>[number]['containerMetrics'][number];

/** What must have been measured for a recorded PublishMetricsRequest to say what it says. */
export function measurementsOf(message: unknown): 'idle' | readonly TaskMeasurements[] {
  const { taskMetrics } = metricsSchema.parse(message);
  if (taskMetrics === undefined) return 'idle';
  return taskMetrics.map((task) => ({
    taskArn: task.taskArn,
    family: task.taskDefinitionFamily,
    version: task.taskDefinitionVersion,
    containers: task.containerMetrics.map((container) => ({
      name: container.containerName,
      measurements: measurementsOfContainer(container),
    })),
  }));
}

/** Percentages and rates need a sample before: where one is missing it is that of the first sample. */
function measurementsOfContainer(container: RecordedContainer): readonly Measurement[] {
  const { cpuStatsSet, memoryStatsSet, storageStatsSet, networkStatsSet } = container;
  const count = memoryStatsSet.sampleCount;
  const late = (set: RecordedSet | undefined) => {
    const values = set === undefined ? [] : valuesOf(set, false);
    return (index: number) => values[index - (count - values.length)];
  };
  const whole = (set: RecordedSet | undefined) => {
    const values = set === undefined ? [] : valuesOf(set, true);
    return (index: number) => values[index] ?? 0;
  };
  const cpu = late(cpuStatsSet);
  const memory = whole(memoryStatsSet);
  const read = whole(storageStatsSet.readSizeBytes);
  const written = whole(storageStatsSet.writeSizeBytes);
  const rx = late(networkStatsSet?.rxBytesPerSecond);
  const tx = late(networkStatsSet?.txBytesPerSecond);
  const counter = (name: keyof InterfaceCounters) => whole(networkStatsSet?.[name]);
  const counters = {
    rxBytes: counter('rxBytes'),
    rxPackets: counter('rxPackets'),
    rxErrors: counter('rxErrors'),
    rxDropped: counter('rxDropped'),
    txBytes: counter('txBytes'),
    txPackets: counter('txPackets'),
    txErrors: counter('txErrors'),
    txDropped: counter('txDropped'),
  };
  return Array.from({ length: count }, (_, index): Measurement => {
    const network =
      networkStatsSet === undefined
        ? undefined
        : {
            rxBytes: counters.rxBytes(index),
            rxPackets: counters.rxPackets(index),
            rxErrors: counters.rxErrors(index),
            rxDropped: counters.rxDropped(index),
            txBytes: counters.txBytes(index),
            txPackets: counters.txPackets(index),
            txErrors: counters.txErrors(index),
            txDropped: counters.txDropped(index),
          };
    const [cpuPercent, rxBytesPerSecond, txBytesPerSecond] = [cpu(index), rx(index), tx(index)];
    return {
      clock: 0,
      memory: memory(index) * MIB,
      read: read(index),
      written: written(index),
      ...(network !== undefined && { network }),
      ...(cpuPercent !== undefined && { cpuPercent }),
      ...(rxBytesPerSecond !== undefined &&
        txBytesPerSecond !== undefined && { rates: { rxBytesPerSecond, txBytesPerSecond } }),
    };
  });
}

/** So many values with that least, greatest and sum. */
function valuesOf({ min, max, sum, sampleCount }: RecordedSet, whole: boolean): readonly number[] {
  if (sampleCount <= 2) return [min, max].slice(0, sampleCount);
  const others = sampleCount - 2;
  const rest = sum - min - max;
  if (!whole) return [min, max, ...Array.from({ length: others }, () => rest / others)];
  const each = Math.floor(rest / others);
  const more = rest - each * others;
  return [min, max, ...Array.from({ length: others }, (_, index) => each + (index < more ? 1 : 0))];
}
