import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { bringBackTasks, type HostNow, mayHaveLostTasks } from '../../src/lost-records.ts';
import { LABEL_TASK_ARN, type ListedContainer } from '../../src/runtime/runtime.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import type { MetaKey, StoredState } from '../../src/store/store.ts';
import { encodeTaskCopy } from '../../src/store/task-copy.ts';
import { containerId } from '../../src/task/ids.ts';
import type { TaskState } from '../../src/task/task-state.ts';
import { arnOf, sampleContainerSpec, sampleContainerState, sampleTask } from './store/sample-task.ts';

const INSTANCE = 'arn:aws:ecs:us-west-2:123456789012:container-instance/default/1';
const HOST: HostNow = { bootId: 'boot', cluster: 'default' };
const META: Readonly<Partial<Record<MetaKey, string>>> = {
  'container-instance-arn': INSTANCE,
  'boot-id': 'boot',
  'cluster-name': 'default',
  'endpoint-secret': 's',
};
const EMPTY: StoredState = {
  tasks: [],
  outbox: [],
  attachments: [],
  meta: new Map(),
  images: [],
  quarantined: [],
};
const silent = pino({ enabled: false });

/** A container that carries a copy of its task. */
function carrying(
  task: TaskState,
  { at = 1, ...meta }: { readonly at?: number } & Partial<Record<MetaKey, string>> = {},
): ListedContainer {
  const all = new Map(Object.entries({ ...META, ...meta }) as [MetaKey, string][]);
  return {
    id: containerId('a'),
    labels: { [LABEL_TASK_ARN]: task.spec.arn },
    observation: { state: 'running', pid: 1 },
    keepsake: encodeTaskCopy({ at, meta: all, task }),
  };
}

const bringBack = (
  listed: readonly ListedContainer[],
  stored: StoredState = EMPTY,
  host: HostNow = HOST,
  store = memoryStore(),
) => bringBackTasks(store, stored, listed, host, silent);

describe('tasks that the store has lost', () => {
  it('are brought back with the registration of the instance, and stored', async () => {
    const store = memoryStore();
    const found = await bringBack([carrying(sampleTask('1'))], EMPTY, HOST, store);
    expect(found.tasks.map(({ spec }) => spec.arn)).toEqual([arnOf('1')]);
    expect(Object.fromEntries(found.meta)).toEqual(META);
    const stored = await store.load();
    expect(stored.tasks).toEqual(found.tasks);
    expect(Object.fromEntries(stored.meta)).toEqual(META);
  });

  it.each<readonly [string, Partial<Record<MetaKey, string>>, HostNow]>([
    ['of a former boot', { 'boot-id': 'before' }, HOST],
    ['of another cluster', { 'cluster-name': 'other' }, HOST],
    ['of another EC2 instance', { 'ec2-instance-id': 'i-1' }, { ...HOST, ec2InstanceId: 'i-2' }],
  ])('are left alone when they are %s: they may live elsewhere', async (_, meta, host) => {
    expect(await bringBack([carrying(sampleTask('1'), meta)], EMPTY, host)).toBe(EMPTY);
  });

  it('are left alone when they are of another registration than the one that is stored', async () => {
    const stored = { ...EMPTY, meta: new Map([['container-instance-arn', 'other']] as const) };
    expect(await bringBack([carrying(sampleTask('1'))], stored)).toBe(stored);
  });

  it('of two registrations are brought back for the newer one alone', async () => {
    const old = carrying(sampleTask('1'), { at: 1, 'container-instance-arn': 'old' });
    const found = await bringBack([old, carrying(sampleTask('2'), { at: 2 })]);
    expect(found.tasks.map(({ spec }) => spec.arn)).toEqual([arnOf('2')]);
  });

  it('that the store still has stay as the store has them', async () => {
    const stored = { ...EMPTY, tasks: [sampleTask('1', { desired: 'STOPPED' })] };
    expect(await bringBack([carrying(sampleTask('1'))], stored)).toBe(stored);
  });

  it('come back with each container as far on as any copy has it, and are told anew', async () => {
    const containers = ['init', 'app'].map(sampleContainerSpec);
    const spec = { ...sampleTask('1').spec, containers };
    const at = (init: TaskState['containers'][0], app: TaskState['containers'][0]) =>
      sampleTask('1', { spec, containers: [init, app], unsettledReports: 2 });
    const ended = { ...sampleContainerState('init'), known: 'STOPPED', exitCode: 4 } as const;
    const made = { ...sampleContainerState('init'), known: 'PULLED' } as const;
    const waiting = { ...sampleContainerState('app'), known: 'NONE' } as const;
    const pulled = { ...sampleContainerState('app'), known: 'PULLED' } as const;
    const found = await bringBack([
      carrying(at(ended, pulled), { at: 2 }),
      carrying(at(made, waiting), { at: 1 }),
    ]);
    expect(found.tasks).toMatchObject([
      { containers: [ended, pulled], reportedStatus: 'NONE', unsettledReports: 0 },
    ]);
  });

  it('with a copy that is not readable, or of another task, are left to be stopped and told', async () => {
    const task = carrying(sampleTask('1'));
    const garbled = { ...task, keepsake: Buffer.from('nonsense') };
    const foreign = { ...task, labels: { [LABEL_TASK_ARN]: arnOf('2') } };
    const { keepsake: _, ...bare } = task;
    expect(await bringBack([garbled, foreign, bare])).toBe(EMPTY);
  });

  it('are looked for only after a loss', () => {
    const whole = { ...EMPTY, meta: new Map([['container-instance-arn', INSTANCE]] as const) };
    expect(mayHaveLostTasks(whole)).toBe(false);
    expect(mayHaveLostTasks(EMPTY)).toBe(true);
    expect(mayHaveLostTasks({ ...whole, setAside: { path: 'p', error: 'e' } })).toBe(true);
    expect(mayHaveLostTasks({ ...whole, quarantined: [{ table: 'tasks', key: '1', error: 'e' }] })).toBe(
      true,
    );
  });
});
