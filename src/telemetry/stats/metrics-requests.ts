import { randomUUID } from 'node:crypto';
import { tcsTime } from '../../wire/tcs.ts';
import type { TcsAgentMessage } from '../../wire/tcs-agent.ts';
import type { Cycle } from '../cycle-queue.ts';
import type { Measurement } from './measurement-ring.ts';
import type { InterfaceCounters } from './sample.ts';

/** Tasks of one request at most (TCS-15, TCS-16). */
const TASKS_PER_REQUEST = 10;
/** Bytes of the message of one request at most. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
const MIB = 1024 * 1024;
/** Go's greatest int64: what is above goes to the overflow members; numbers of this size are not exact here. */
const MAX_LONG = 2 ** 63 - 1;

/** A task with what was measured of its containers since the last report. */
export interface TaskMeasurements {
  readonly taskArn: string;
  readonly family: string;
  readonly version: string;
  readonly containers: readonly {
    readonly name: string;
    readonly measurements: readonly Measurement[];
    /** Restarts since the last report; absent without a restart policy (TCS-27). */
    readonly restarts?: number;
  }[];
}

interface Instance {
  readonly cluster: string;
  readonly containerInstance: string;
}

type MetricsMessage = Extract<TcsAgentMessage, { type: 'PublishMetricsRequest' }>['message'];
type TaskMetric = NonNullable<MetricsMessage['taskMetrics']>[number];
type ContainerMetric = NonNullable<TaskMetric['containerMetrics']>[number];

/** The one request of an instance on which nothing runs (TCS-13). */
export function idleRequest(instance: Instance, now: number): TcsAgentMessage {
  return {
    type: 'PublishMetricsRequest',
    message: {
      metadata: { ...instance, messageId: randomUUID(), idle: true, fin: true },
      timestamp: tcsTime(now),
    },
  };
}

/** One cycle of metrics: parts of ten tasks and a MiB with one id, the last marked as such (TCS-44, TCS-45). */
export function metricsRequests(instance: Instance, tasks: readonly TaskMeasurements[], now: number): Cycle {
  const messageId = randomUUID();
  const message = (taskMetrics: readonly TaskMetric[], fin: boolean): MetricsMessage => ({
    metadata: { ...instance, messageId, idle: false, fin },
    taskMetrics: [...taskMetrics],
    timestamp: tcsTime(now),
  });
  const frame = JSON.stringify(message([], false)).length;
  const parts: TaskMetric[][] = [];
  let bytes = 0;
  for (const task of tasks) {
    const metric = taskMetric(task);
    if (metric.containerMetrics?.length === 0) continue;
    const own = Buffer.byteLength(JSON.stringify(metric)) + 1;
    const last = parts.at(-1);
    if (last === undefined || last.length === TASKS_PER_REQUEST || bytes + own > MAX_MESSAGE_BYTES) {
      parts.push([metric]);
      bytes = frame + own;
    } else {
      last.push(metric);
      bytes += own;
    }
  }
  return parts.map((part, index) => ({
    type: 'PublishMetricsRequest',
    message: message(part, index === parts.length - 1),
  }));
}

function taskMetric({ taskArn, family, version, containers }: TaskMeasurements): TaskMetric {
  return {
    taskArn,
    taskDefinitionFamily: family,
    taskDefinitionVersion: version,
    containerMetrics: containers.flatMap(containerMetric),
  };
}

/** A container without a set of CPU or memory is left out (tcs.md §7). */
function containerMetric({
  name,
  measurements,
  restarts,
}: TaskMeasurements['containers'][number]): ContainerMetric[] {
  const cpuStatsSet = setOf(measurements.flatMap(({ cpuPercent }) => cpuPercent ?? []));
  const memoryStatsSet = setOf(measurements.map(({ memory }) => Math.floor(memory / MIB)));
  if (cpuStatsSet === undefined || memoryStatsSet === undefined) return [];
  const networkStatsSet = networkSet(measurements);
  return [
    {
      containerName: name,
      cpuStatsSet,
      memoryStatsSet,
      ...(networkStatsSet !== undefined && { networkStatsSet }),
      storageStatsSet: {
        readSizeBytes: longSet(measurements.map(({ read }) => read)),
        writeSizeBytes: longSet(measurements.map(({ written }) => written)),
      },
      ...(restarts !== undefined && { restartStatsSet: { restartCount: restarts } }),
    },
  ];
}

function networkSet(measurements: readonly Measurement[]): ContainerMetric['networkStatsSet'] {
  const counters = measurements.flatMap(({ network }) => network ?? []);
  const rates = measurements.flatMap((one) => one.rates ?? []);
  if (counters.length === 0) return undefined;
  const long = (pick: (one: InterfaceCounters) => number) => longSet(counters.map(pick));
  const rx = setOf(rates.map(({ rxBytesPerSecond }) => rxBytesPerSecond));
  const tx = setOf(rates.map(({ txBytesPerSecond }) => txBytesPerSecond));
  return {
    rxBytes: long((one) => one.rxBytes),
    rxDropped: long((one) => one.rxDropped),
    rxErrors: long((one) => one.rxErrors),
    rxPackets: long((one) => one.rxPackets),
    txBytes: long((one) => one.txBytes),
    txDropped: long((one) => one.txDropped),
    txErrors: long((one) => one.txErrors),
    txPackets: long((one) => one.txPackets),
    ...(rx !== undefined && { rxBytesPerSecond: rx }),
    ...(tx !== undefined && { txBytesPerSecond: tx }),
  };
}

/** Undefined for no values. */
function setOf(values: readonly number[]) {
  const [first] = values;
  if (first === undefined) return undefined;
  let [min, max, sum] = [first, first, 0];
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
  }
  return { min, max, sum, sampleCount: values.length };
}

/** Integers, with what does not fit in 63 bits apart (tcs.md §5.1). */
function longSet(values: readonly number[]) {
  const { min, max, sum, sampleCount } = setOf(values) ?? { min: 0, max: 0, sum: 0, sampleCount: 0 };
  const kept = (value: number) => Math.min(value, MAX_LONG);
  const over = (value: number) => (value > MAX_LONG ? value % MAX_LONG : 0);
  return {
    min: kept(min),
    max: kept(max),
    sum: kept(sum),
    sampleCount,
    overflowMin: over(min),
    overflowMax: over(max),
    overflowSum: over(sum),
  };
}
