import { describe, expect, it } from 'vitest';
import type { EndpointScope } from '../../../src/metadata/task-api/endpoint-tasks.ts';
import { containerIdOf, taskIdOf } from '../../../src/task/ids.ts';
import { NAMESPACE_PAUSE, withInternalContainers } from '../../../src/task/internal-containers.ts';
import type { ContainerSpec, TaskSpec } from '../../../src/task/task-spec.ts';
import type { ContainerState } from '../../../src/task/task-state.ts';
import { sampleContainerSpec, sampleContainerState, sampleTask } from '../store/sample-task.ts';
import { TaskApiWorld, type TaskApiWorldOptions } from './task-api-world.ts';

const CREATED_AT = 1_767_225_600_000;

interface Changes {
  readonly task?: Partial<TaskSpec>;
  readonly container?: Partial<ContainerSpec>;
  readonly state?: Partial<ContainerState>;
  readonly world?: Partial<TaskApiWorldOptions>;
}

/** Asks as the only container of a task for a document below `/VERSION/ID`. */
async function ask(
  version: 'v3' | 'v4',
  path: string,
  changes: Changes = {},
): Promise<Record<string, unknown>> {
  const task = sampleTask('one');
  const spec: TaskSpec = {
    ...task.spec,
    networkMode: 'bridge',
    containers: [{ ...sampleContainerSpec('app'), ...changes.container }],
    ...changes.task,
  };
  const containers = [{ ...sampleContainerState('app'), createdAt: CREATED_AT, ...changes.state }];
  await using api = new TaskApiWorld({ tasks: [{ ...task, spec, containers }], ...changes.world });
  const scope: EndpointScope = { kind: 'task', taskId: taskIdOf(spec.arn) };
  const { status, json } = await api.request(scope, `/${version}/${api.ids.idOf(spec, 'app')}${path}`);
  if (typeof json !== 'object' || json === null) throw new Error(`${status} ${JSON.stringify(json)}`);
  return { ...json };
}

const healthCheck = { command: ['CMD', 'true'], intervalMs: 1, timeoutMs: 1, retries: 1, startPeriodMs: 0 };

describe('the document of a task', () => {
  it('says in v4 alone whether faults may be injected, how it was launched and where (TMDS-21, TMDS-101)', async () => {
    const changes = {
      task: { launchType: 'EC2', serviceName: 'web' },
      world: { instance: { cluster: 'peer', vpcId: 'vpc-1' } },
    };
    expect(await ask('v4', '/task', changes)).toMatchObject({
      FaultInjectionEnabled: false,
      LaunchType: 'EC2',
      ServiceName: 'web',
      VPCID: 'vpc-1',
    });
    const v3 = await ask('v3', '/task', changes);
    expect(Object.keys(v3)).not.toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^(LaunchType|VPCID|ServiceName|FaultInjectionEnabled)$/),
      ]),
    );
  });

  it('has limits only when there are some (TMDS-22)', async () => {
    expect(await ask('v4', '/task')).not.toHaveProperty('Limits');
    expect(await ask('v4', '/task', { task: { cpu: 0.5 } })).toHaveProperty('Limits', { CPU: 0.5 });
    expect(await ask('v3', '/task', { task: { memoryMiB: 64 } })).toHaveProperty('Limits', { Memory: 64 });
  });

  it('lists in v4 alone a container whose image is here but that is not made yet, without networks (TMDS-34)', async () => {
    const two = { ...sampleContainerState('two'), known: 'PULLED' as const };
    const { startedAt: _, pid: __, ...pulled } = two;
    const task = sampleTask('one');
    const spec: TaskSpec = {
      ...task.spec,
      networkMode: 'bridge',
      containers: [sampleContainerSpec('app'), sampleContainerSpec('two')],
    };
    const app = { ...sampleContainerState('app'), createdAt: CREATED_AT };
    await using api = new TaskApiWorld({ tasks: [{ ...task, spec, containers: [app, pulled] }] });
    const scope: EndpointScope = { kind: 'task', taskId: taskIdOf(spec.arn) };
    const names = async (version: string) => {
      const { json } = await api.request(scope, `/${version}/${api.ids.idOf(spec, 'app')}/task`);
      const { Containers } = json as { Containers: { Name: string; Networks?: unknown; DockerId: string }[] };
      return Containers.map(({ Name, Networks, DockerId }) => [
        Name,
        Networks !== undefined,
        DockerId !== '',
      ]);
    };
    expect(await names('v4')).toEqual([
      ['app', true, true],
      ['two', false, false],
    ]);
    expect(await names('v3')).toEqual([['app', true, true]]);
    const { status } = await api.request(scope, `/v4/${api.ids.idOf(spec, 'two')}`);
    expect(status).toBe(404);
  });

  it('lists the container that holds shared namespaces, which has no endpoint of its own (TMDS-39, TMDS-134)', async () => {
    const task = sampleTask('one');
    const spec = withInternalContainers({ ...task.spec, networkMode: 'bridge', pidMode: 'task' });
    const containers = spec.containers.map(({ name }) => ({
      ...sampleContainerState(name),
      createdAt: CREATED_AT,
    }));
    await using api = new TaskApiWorld({ tasks: [{ ...task, spec, containers }] });
    expect([...api.ids.ofTask(spec).values()]).toEqual(['app']);
    const scope: EndpointScope = { kind: 'task', taskId: taskIdOf(spec.arn) };
    const { json } = await api.request(scope, `/v4/${api.ids.idOf(spec, 'app')}/task`);
    expect(json).toMatchObject({
      Containers: [
        { Name: 'app', Type: 'NORMAL', Networks: [{ NetworkMode: 'bridge' }] },
        {
          Name: NAMESPACE_PAUSE,
          Type: 'NAMESPACE_PAUSE',
          Image: 'amazon/amazon-ecs-pause:0.1.0',
          Networks: [{ NetworkMode: 'none', IPv4Addresses: [''] }],
        },
      ],
    });
    const stats = await api.request(scope, `/v4/${api.ids.idOf(spec, 'app')}/task/stats`);
    const ids = spec.containers.map(({ name }) => containerIdOf(spec.arn, name, 0));
    expect(Object.keys(stats.json as object).sort()).toEqual(ids.sort());
  });

  it('has the tags of task and instance where they are asked for (TMDS-33)', async () => {
    const world = {
      readTags: async () => ({ taskTags: { b: '2', a: '1' }, containerInstanceTags: { c: '3' }, errors: [] }),
    };
    expect(await ask('v4', '/task', { world })).not.toHaveProperty('TaskTags');
    const tagged = { TaskTags: { a: '1', b: '2' }, ContainerInstanceTags: { c: '3' } };
    expect(await ask('v3', '/taskWithTags', { world })).toMatchObject(tagged);
    const v4 = await ask('v4', '/taskWithTags', { world });
    expect(v4).toMatchObject(tagged);
    expect(v4).not.toHaveProperty('Errors');
  });

  it('tells in v4 alone which tags could not be had (TMDS-109, TMDS-110)', async () => {
    const errors = [{ ErrorField: 'TaskTags', ErrorCode: 'AccessDeniedException', StatusCode: 400 }];
    const world = { readTags: async () => ({ errors }) };
    expect(await ask('v4', '/taskWithTags', { world })).toHaveProperty('Errors', errors);
    const v3 = await ask('v3', '/taskWithTags', { world });
    expect(v3).not.toHaveProperty('Errors');
    expect(v3).not.toHaveProperty('TaskTags');
  });
});

describe('the document of a container', () => {
  it('always has limits, CPU at least 2 (TMDS-23, TMDS-102)', async () => {
    const container = { cpu: 0, memoryMiB: 0 };
    expect(await ask('v4', '', { container })).toHaveProperty('Limits', { CPU: 2, Memory: 0 });
    expect(await ask('v3', '')).toHaveProperty('Limits', { CPU: 128, Memory: 64 });
  });

  it('has the exit code once it is known, also 0 (TMDS-24, TMDS-103)', async () => {
    expect(await ask('v4', '')).not.toHaveProperty('ExitCode');
    expect(await ask('v4', '', { state: { known: 'STOPPED', exitCode: 0 } })).toHaveProperty('ExitCode', 0);
  });

  it('has one network with an empty address in host mode and after the stop (TMDS-29, TMDS-135, OBS-106)', async () => {
    const host = { task: { networkMode: 'host' as const }, world: { allFromHost: true } };
    expect(await ask('v4', '', host)).toHaveProperty('Networks', [
      { NetworkMode: 'host', IPv4Addresses: [''] },
    ]);
    const addresses = { ipv4: '10.1.0.2', ipv6: 'fd00::2' };
    expect(await ask('v4', '', { state: { addresses } })).toHaveProperty('Networks', [
      { NetworkMode: 'bridge', IPv4Addresses: ['10.1.0.2'], IPv6Addresses: ['fd00::2'] },
    ]);
    expect(await ask('v3', '', { state: { addresses } })).toHaveProperty('Networks', [
      { NetworkMode: 'bridge', IPv4Addresses: ['10.1.0.2'] },
    ]);
    expect(await ask('v4', '', { state: { addresses, known: 'STOPPED' } })).toHaveProperty('Networks', [
      { NetworkMode: 'bridge', IPv4Addresses: [''] },
    ]);
  });

  it('has health with a check alone, in lower case, its status once there is one (TMDS-30, TMDS-105, TMDS-106)', async () => {
    expect(await ask('v4', '')).not.toHaveProperty('Health');
    const unknown = { status: 'UNKNOWN' as const, since: CREATED_AT, failures: 0, output: '' };
    expect(await ask('v4', '', { container: { healthCheck }, state: { health: unknown } })).toHaveProperty(
      'Health',
      {},
    );
    const failing = { ...unknown, status: 'UNHEALTHY' as const, exitCode: 3, output: 'no' };
    expect(await ask('v4', '', { container: { healthCheck }, state: { health: failing } })).toHaveProperty(
      'Health',
      { status: 'UNHEALTHY', statusSince: '2026-01-01T00:00:00Z', exitCode: 3, output: 'no' },
    );
  });

  it('counts restarts in v4 alone, from 0, where there is a restart policy (TMDS-32, TMDS-108)', async () => {
    const container = { restartPolicy: { ignoredExitCodes: [], attemptPeriodMs: 0 } };
    expect(await ask('v4', '', { container })).toMatchObject({ RestartCount: 0 });
    const state = { restarts: { count: 3, at: CREATED_AT, endedRun: 2 } };
    expect(await ask('v4', '', { container, state })).toMatchObject({ RestartCount: 3 });
    expect(await ask('v3', '', { container, state })).not.toHaveProperty('RestartCount');
    expect(await ask('v4', '')).not.toHaveProperty('RestartCount');
  });

  it('shows the log of the task definition in v4 alone (TMDS-31)', async () => {
    const container = { log: { driver: 'awslogs', options: { 'awslogs-group': 'g' } } };
    expect(await ask('v4', '', { container })).toMatchObject({
      LogDriver: 'awslogs',
      LogOptions: { 'awslogs-group': 'g' },
    });
    expect(await ask('v3', '', { container })).not.toHaveProperty('LogDriver');
  });

  it('has the labels of ECS, whatever the task definition says of them (TMDS-37)', async () => {
    const { options } = sampleContainerSpec('app');
    const labels = { mine: '1', 'com.amazonaws.ecs.cluster': 'not mine' };
    const { Labels } = await ask('v4', '', { container: { options: { ...options, labels } } });
    expect(Labels).toEqual({
      mine: '1',
      'com.amazonaws.ecs.cluster': 'peer',
      'com.amazonaws.ecs.container-name': 'app',
      'com.amazonaws.ecs.task-arn': 'arn:aws:ecs:us-west-2:123456789012:task/default/one',
      'com.amazonaws.ecs.task-definition-family': 'web',
      'com.amazonaws.ecs.task-definition-version': '3',
    });
  });

  it('shows the address of a port in v4 alone, and every port of a range (TMDS-104)', async () => {
    const range = {
      bindIp: '0.0.0.0',
      containerPort: 80,
      hostPort: 900,
      rangeLength: 2,
      protocol: 'tcp' as const,
    };
    const ports = await Promise.all(
      (['v4', 'v3'] as const).map(
        async (v) => (await ask(v, '', { state: { portBindings: [range] } })).Ports,
      ),
    );
    const shown = [
      { ContainerPort: 80, Protocol: 'tcp', HostPort: 900 },
      { ContainerPort: 81, Protocol: 'tcp', HostPort: 901 },
    ];
    expect(ports).toEqual([shown.map((port) => ({ ...port, HostIp: '0.0.0.0' })), shown]);
  });
});
