import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ContainerHistory } from '../../../../src/telemetry/stats/container-history.ts';
import type { Measurement } from '../../../../src/telemetry/stats/measurement-ring.ts';
import { metricsRequests, type TaskMeasurements } from '../../../../src/telemetry/stats/metrics-requests.ts';
import type { Sample } from '../../../../src/telemetry/stats/sample.ts';

const INSTANCE = { cluster: 'peer', containerInstance: 'arn:aws:ecs:us-west-2:1:container-instance/peer/i' };
const MIB = 1024 * 1024;

/** The sample of a second; everything else by `changes`. */
function sampleAt(
  second: number,
  changes: Partial<Sample> & { readonly cpuNs?: number; readonly rx?: number } = {},
): Sample {
  const { cpuNs = 0, rx, ...rest } = changes;
  const counters = {
    rxPackets: 1,
    rxErrors: 0,
    rxDropped: 0,
    txBytes: 0,
    txPackets: 0,
    txErrors: 0,
    txDropped: 0,
  };
  return {
    at: second * 1000,
    clock: second * 1000,
    cpu: { total: cpuNs, kernel: 0, user: 0, periods: 0, throttledPeriods: 0, throttledTime: 0 },
    host: { system: 0, online: 4 },
    memory: 0,
    read: 0,
    written: 0,
    ...(rx !== undefined && { networks: new Map([['eth0', { rxBytes: rx, ...counters }]]) }),
    ...rest,
  };
}

function measured(samples: readonly Sample[], cores = 4): readonly Measurement[] {
  const history = new ContainerHistory(80, cores);
  for (const sample of samples) history.add(sample);
  return history.unsent() ?? [];
}

const task = (id: number, measurements: readonly Measurement[], name = 'app'): TaskMeasurements => ({
  taskArn: `arn:${id}`,
  family: 'web',
  version: '7',
  containers: [{ name, measurements }],
});

const two = measured([sampleAt(0), sampleAt(1)]);

function messages(tasks: readonly TaskMeasurements[]) {
  return metricsRequests(INSTANCE, tasks, 1_767_225_600_250).map((request) => {
    if (request.type !== 'PublishMetricsRequest') throw new Error(request.type);
    return request.message;
  });
}

const metricsOf = (measurements: readonly Measurement[]) =>
  messages([task(1, measurements)])[0]?.taskMetrics?.[0]?.containerMetrics?.[0];

describe('the numbers of a container', () => {
  it('give CPU as a share of the whole instance: one busy core of four is 25 (TCS-19, OBS-59)', () => {
    const metrics = metricsOf(measured([0, 1, 2].map((s) => sampleAt(s, { cpuNs: s * 1e9 }))));
    expect(metrics?.cpuStatsSet).toEqual({ min: 25, max: 25, sum: 50, sampleCount: 2 });
    const idler = metricsOf(measured([0, 1].map((s) => sampleAt(s, { cpuNs: s * 1e8 }))));
    expect(idler?.cpuStatsSet).toMatchObject({ max: 2.5 });
  });

  it('give memory in whole MiB, of every sample (TCS-20, OBS-60)', () => {
    const metrics = metricsOf(
      measured([3.9, 2.1, 5, 0.4].map((mib, s) => sampleAt(s, { memory: mib * MIB }))),
    );
    expect(metrics?.memoryStatsSet).toEqual({ min: 0, max: 5, sum: 10, sampleCount: 4 });
  });

  it('give storage and network as they have grown since the start, and bytes a second (TCS-23, TCS-24, TCS-26)', () => {
    const metrics = metricsOf(
      measured([0, 1, 2].map((s) => sampleAt(s, { read: 100 * (s + 1), rx: 1000 * (s + 1) }))),
    );
    const none = { overflowMin: 0, overflowMax: 0, overflowSum: 0 };
    expect(metrics?.storageStatsSet?.readSizeBytes).toEqual({
      min: 100,
      max: 300,
      sum: 600,
      sampleCount: 3,
      ...none,
    });
    expect(metrics?.networkStatsSet?.rxBytes).toEqual({
      min: 1000,
      max: 3000,
      sum: 6000,
      sampleCount: 3,
      ...none,
    });
    expect(metrics?.networkStatsSet?.rxBytesPerSecond).toEqual({
      min: 1000,
      max: 1000,
      sum: 2000,
      sampleCount: 2,
    });
    expect(metrics?.networkStatsSet?.txBytesPerSecond).toEqual({ min: 0, max: 0, sum: 0, sampleCount: 2 });
  });

  it('have no network where the container has no interfaces of its own (TCS-49)', () => {
    expect(metricsOf(two)).not.toHaveProperty('networkStatsSet');
    expect(metricsOf(two)).not.toHaveProperty('restartStatsSet');
  });

  it('have the restarts since the last report with a restart policy alone (TCS-27)', () => {
    const [message] = messages([
      { ...task(1, two), containers: [{ name: 'app', measurements: two, restarts: 3 }] },
    ]);
    expect(message?.taskMetrics?.[0]?.containerMetrics?.[0]?.restartStatsSet).toEqual({ restartCount: 3 });
  });

  it('say nothing of what lies between two samples of one moment', () => {
    const samples = [sampleAt(0), sampleAt(1, { cpuNs: 4e9 }), { ...sampleAt(1, { cpuNs: 9e9 }), at: 0 }];
    expect(metricsOf(measured(samples))?.cpuStatsSet).toMatchObject({ min: 100, max: 100, sampleCount: 2 });
  });

  it('have the members of the recorded ones, in whatever order', () => {
    const recorded = readFileSync(new URL('../../../golden/20-telemetry.jsonl', import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"networkStatsSet"'))
      .flatMap((line) => JSON.parse(line).message.taskMetrics)
      .flatMap((metric: { containerMetrics: { networkStatsSet?: object }[] }) => metric.containerMetrics)
      .find((metric) => metric.networkStatsSet !== undefined);
    expect(shape(metricsOf(measured([0, 1].map((s) => sampleAt(s, { rx: s })))))).toEqual(shape(recorded));
  });
});

describe('what is reported', () => {
  it('is what has not been reported, from the second sample on (TCS-21, TCS-22)', () => {
    const history = new ContainerHistory(80, 1);
    history.add(sampleAt(0));
    expect(history.unsent()).toBeUndefined();
    history.add(sampleAt(1));
    expect(history.unsent()).toHaveLength(2);
    history.markSent();
    expect(history.unsent()).toBeUndefined();
    history.add(sampleAt(2));
    expect(history.unsent()?.map(({ clock }) => clock)).toEqual([2000]);
    expect(history.unsent()?.[0]?.cpuPercent).toBe(0);
  });

  it('is bounded, also when nobody takes it', () => {
    const history = new ContainerHistory(5, 1);
    for (let second = 0; second < 20; second += 1) history.add(sampleAt(second));
    expect(history.unsent()?.map(({ clock }) => clock / 1000)).toEqual([15, 16, 17, 18, 19]);
  });
});

describe('a cycle of metrics', () => {
  const tasks = (count: number) => Array.from({ length: count }, (_, id) => task(id, two));

  it('is one request for ten tasks and two for eleven (TCS-15, TCS-16, TCS-45)', () => {
    expect(
      messages(tasks(10)).map(({ taskMetrics, metadata }) => [taskMetrics?.length, metadata.fin]),
    ).toEqual([[10, true]]);
    const parts = messages(tasks(11));
    expect(parts.map(({ taskMetrics, metadata }) => [taskMetrics?.length, metadata.fin])).toEqual([
      [10, false],
      [1, true],
    ]);
    expect(new Set(parts.map(({ metadata }) => metadata.messageId)).size).toBe(1);
  });

  it('has one id and times in seconds, versions as text (TCS-14, TCS-18, TCS-44)', () => {
    const [message] = messages(tasks(1));
    expect(message).toMatchObject({
      timestamp: 1_767_225_600.25,
      metadata: { ...INSTANCE, idle: false },
      taskMetrics: [{ taskDefinitionFamily: 'web', taskDefinitionVersion: '7' }],
    });
  });

  it('never makes a message of more than a MiB (TCS-17)', () => {
    const long = 'n'.repeat(300_000);
    const parts = messages(Array.from({ length: 9 }, (_, id) => task(id, two, long)));
    expect(parts.map(({ taskMetrics }) => taskMetrics?.length)).toEqual([3, 3, 3]);
    for (const part of parts) expect(Buffer.byteLength(JSON.stringify(part))).toBeLessThanOrEqual(MIB);
  });

  it('is empty when nobody has numbers (TCS-47)', () => {
    expect(messages([task(1, []), { ...task(2, []), containers: [] }])).toEqual([]);
  });
});

function shape(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shape(member)]));
}
