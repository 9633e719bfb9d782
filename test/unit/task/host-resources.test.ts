import { describe, expect, it } from 'vitest';
import {
  demandOf,
  excessOf,
  type HostCapacity,
  type HostDemand,
  isCounted,
  shortageOf,
} from '../../../src/task/host-resources.ts';
import { type TaskArn, taskArn } from '../../../src/task/ids.ts';
import { containerSpec, TaskStory, taskSpec } from './task-story.ts';

const HOST: HostCapacity = {
  cpuUnits: 2048,
  memoryMiB: 1000,
  reservedPorts: { tcp: [22], udp: [53] },
  gpus: ['GPU-1', 'GPU-2'],
};
const OTHER = taskArn('arn:aws:ecs:us-west-2:123456789012:task/peer/other');
const held = (demand: Partial<HostDemand>): ReadonlyMap<TaskArn, HostDemand> =>
  new Map([[OTHER, { cpuUnits: 0, memoryMiB: 0, ports: [], gpus: [], ...demand }]]);
const port = (hostPort: number, protocol: 'tcp' | 'udp' = 'tcp') =>
  containerSpec('a', { portMappings: [{ protocol, containerPort: 80, hostPort }] });

describe('what a task takes of the host', () => {
  it('is its own limits, else the sum of its containers (ENG-114)', () => {
    const containers = [containerSpec('a', { cpu: 100, memoryMiB: 64 }), containerSpec('b')];
    expect(demandOf(taskSpec(containers))).toMatchObject({ cpuUnits: 110, memoryMiB: 128 });
    expect(demandOf(taskSpec(containers, { cpu: 0.5, memoryMiB: 300 }))).toMatchObject({
      cpuUnits: 512,
      memoryMiB: 300,
    });
  });

  it("is a container's reservation where it has one, else its limit (ENG-114)", () => {
    const { options } = containerSpec('a');
    const reserving = containerSpec('a', {
      memoryMiB: 64,
      options: { ...options, memoryReservationBytes: 32 * 1024 * 1024 },
    });
    expect(demandOf(taskSpec([reserving, containerSpec('b', { memoryMiB: 7 })])).memoryMiB).toBe(39);
  });

  it('is host ports that are named, and none in awsvpc mode (ENG-113)', () => {
    const range = { protocol: 'tcp' as const, containerPort: 1000, hostPort: 0, rangeLength: 10 };
    const mappings = [{ protocol: 'tcp' as const, containerPort: 80, hostPort: 8080 }, range];
    const containers = [containerSpec('a', { portMappings: mappings }), port(0)];
    expect(demandOf(taskSpec(containers, { networkMode: 'bridge' })).ports).toEqual([
      { protocol: 'tcp', port: 8080 },
    ]);
    expect(demandOf(taskSpec(containers, { networkMode: 'awsvpc' })).ports).toEqual([]);
  });

  it('does not count for FARGATE tasks (ENG-112)', () => {
    expect(isCounted(taskSpec([], { launchType: 'FARGATE' }))).toBe(false);
    expect(isCounted(taskSpec([], { launchType: 'EC2' }))).toBe(true);
  });
});

describe('a host without room', () => {
  const needs = (over: Partial<HostDemand>): HostDemand => ({
    cpuUnits: 0,
    memoryMiB: 0,
    ports: [],
    gpus: [],
    ...over,
  });

  it('says what is missing and how much is free', () => {
    expect(shortageOf(needs({ cpuUnits: 1000 }), HOST, held({ cpuUnits: 1500 }))).toEqual({
      kind: 'cpu',
      needed: 1000,
      free: 548,
      total: 2048,
    });
    expect(shortageOf(needs({ memoryMiB: 501 }), HOST, held({ memoryMiB: 500 }))).toMatchObject({
      kind: 'memory',
      free: 500,
    });
    expect(shortageOf(needs({ memoryMiB: 500 }), HOST, held({ memoryMiB: 500 }))).toBeUndefined();
  });

  it('says who has the port; tcp and udp do not meet', () => {
    const web = held(demandOf(taskSpec([port(80)])));
    expect(shortageOf(demandOf(taskSpec([port(80)])), HOST, web)).toEqual({
      kind: 'port',
      port: { protocol: 'tcp', port: 80 },
      holder: OTHER,
    });
    expect(shortageOf(demandOf(taskSpec([port(80, 'udp')])), HOST, web)).toBeUndefined();
  });

  it('says who has the GPU, and takes a GPU that nobody has', () => {
    const taken = held({ gpus: ['GPU-1'] });
    expect(shortageOf(needs({ gpus: ['GPU-2', 'GPU-1'] }), HOST, taken)).toEqual({
      kind: 'gpu',
      id: 'GPU-1',
      holder: OTHER,
    });
    expect(shortageOf(needs({ gpus: ['GPU-2'] }), HOST, taken)).toBeUndefined();
  });

  it('has room for a task that asks for nothing of what others have too much of', () => {
    expect(shortageOf(needs({ memoryMiB: 1 }), HOST, held({ cpuUnits: 9_999 }))).toBeUndefined();
  });

  it('that could never take the task says so', () => {
    expect(excessOf(needs({ cpuUnits: 2049 }), HOST)).toContain('2049 CPU units');
    expect(excessOf(needs({ memoryMiB: 1001 }), HOST)).toContain('1001 MiB');
    expect(excessOf(demandOf(taskSpec([port(22)])), HOST)).toContain('tcp port 22 is reserved');
    expect(excessOf(demandOf(taskSpec([port(53)])), HOST)).toBeUndefined();
    expect(excessOf(needs({ gpus: ['GPU-3'] }), HOST)).toBe(
      'GPU GPU-3 is not one that the host has for tasks (GPU-1, GPU-2)',
    );
    expect(excessOf(needs({ cpuUnits: 2048, memoryMiB: 1000, gpus: ['GPU-2'] }), HOST)).toBeUndefined();
  });
});

describe('a task without its share of the host', () => {
  it('begins nothing and tells nothing until it has it (ECS-62, OBS-96)', () => {
    const s = new TaskStory(taskSpec([containerSpec('a')]), { waiting: true }).passMs(3_600_000);
    expect(s.steps()).toEqual(['takeHostResources']);
    expect(s.reports).toEqual([]);
    s.tell({ kind: 'hostResourcesTaken' });
    expect(s.steps()).toEqual(['ensureResources', 'resolveImage a']);
  });

  it('that is to stop is over at once (ENG-110)', () => {
    const s = new TaskStory(taskSpec([containerSpec('a')]), { waiting: true });
    s.tell({ kind: 'stopRequested' });
    expect(s.told()).toEqual(['STOPPED a=STOPPED']);
    expect(s.steps()).not.toContain('takeHostResources');
  });
});
