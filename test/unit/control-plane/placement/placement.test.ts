import { describe, expect, test } from 'vitest';
import { type Demand, placementFailure } from '../../../../src/control-plane/placement/placement.ts';
import { requiredAttributes } from '../../../../src/control-plane/placement/required-attributes.ts';
import {
  gpuNeeds,
  remainingResources,
  taskNeeds,
} from '../../../../src/control-plane/placement/resources.ts';
import { definition, instanceRecord, overrides, taskRecord } from '../records.ts';

describe('placementFailure', () => {
  const demand: Demand = {
    attributes: [],
    needs: { cpu: 100, memoryMiB: 100, tcpPorts: ['80'], udpPorts: [] },
    gpus: 0,
    checkResources: true,
  };
  const instance = instanceRecord();
  const candidate = {
    agentConnected: true,
    attributes: [{ name: 'a' }, { name: 'b', value: '1' }],
    remaining: instance.resources,
  };

  test('finds nothing against an instance that fits', () => {
    expect(placementFailure(demand, candidate)).toBeUndefined();
  });

  const needs = (given: Partial<Demand['needs']>) => ({ ...demand, needs: { ...demand.needs, ...given } });
  test.each<[string, Demand]>([
    ['ATTRIBUTE', { ...demand, attributes: [{ name: 'c' }] }],
    ['ATTRIBUTE', { ...demand, attributes: [{ name: 'b', value: '2' }] }],
    ['RESOURCE:CPU', needs({ cpu: 2049 })],
    ['RESOURCE:MEMORY', needs({ memoryMiB: 4097 })],
    ['RESOURCE:PORTS', needs({ tcpPorts: ['22'] })],
    ['RESOURCE:GPU', { ...demand, gpus: 1 }],
  ])('says %s', (reason, asked) => {
    expect(placementFailure(asked, candidate)).toBe(reason);
  });

  test('says AGENT when the agent is away', () => {
    expect(placementFailure(demand, { ...candidate, agentConnected: false })).toBe('AGENT');
  });

  test('looks at no resources when told so', () => {
    expect(placementFailure({ ...needs({ cpu: 9999 }), checkResources: false }, candidate)).toBeUndefined();
  });
});

describe('taskNeeds', () => {
  test('takes the limits of the task before the sums of its containers', () => {
    const task = definition({ cpu: '512', memory: '1 GB' }, { cpu: 10 });
    expect(taskNeeds(task, {})).toMatchObject({ cpu: 512, memoryMiB: 1024 });
  });

  test('adds up containers, a reservation before a hard limit', () => {
    const task = definition({
      containerDefinitions: [
        { name: 'a', image: 'i', cpu: 10, memory: 64, memoryReservation: 32 },
        { name: 'b', image: 'i', cpu: 5, memory: 100 },
      ],
    });
    expect(taskNeeds(task, {})).toMatchObject({ cpu: 15, memoryMiB: 132 });
    const run = overrides({ containerOverrides: [{ name: 'b', cpu: 50, memory: 10 }] });
    expect(taskNeeds(task, run)).toMatchObject({ cpu: 60, memoryMiB: 42 });
  });

  const portMappings = [
    { containerPort: 80, hostPort: 8080 },
    { containerPort: 53, hostPort: 53, protocol: 'udp' },
    { containerPort: 81 },
    { containerPortRange: '90-99' },
  ];
  test.each([
    ['bridge', ['8080'], ['53']],
    ['host', ['80', '81'], ['53']],
    ['awsvpc', [], []],
  ])('in mode %s takes the ports %j and %j', (networkMode, tcpPorts, udpPorts) => {
    expect(taskNeeds(definition({ networkMode }, { portMappings }), {})).toMatchObject({
      tcpPorts,
      udpPorts,
    });
  });

  test('counts GPUs by container', () => {
    const task = definition({}, { resourceRequirements: [{ type: 'GPU', value: '2' }] });
    expect(gpuNeeds(task, {})).toEqual(new Map([['app', 2]]));
    expect(gpuNeeds(definition(), {})).toEqual(new Map());
  });
});

test('remainingResources counts the tasks that are not STOPPED, with the ports they reported', () => {
  const gpu = { name: 'GPU', type: 'STRINGSET', stringSetValue: ['G1', 'G2'] };
  const instance = instanceRecord({ resources: [...instanceRecord().resources, gpu] });
  const needs = { cpu: 100, memoryMiB: 200, tcpPorts: ['80'], udpPorts: ['53'] };
  const record = taskRecord(definition(), { needs });
  const running = {
    ...record,
    containers: record.containers.map((container) => ({
      ...container,
      gpuIds: ['G1'],
      networkBindings: [{ bindIP: '0.0.0.0', containerPort: 81, hostPort: 32768, protocol: 'tcp' }],
    })),
  };
  const stopped = { ...record, taskArn: 'x', lastStatus: 'STOPPED' as const };
  const elsewhere = { ...record, taskArn: 'y', containerInstanceArn: 'other' };
  expect(remainingResources(instance, [running, stopped, elsewhere])).toEqual([
    { name: 'CPU', type: 'INTEGER', integerValue: 1948 },
    { name: 'MEMORY', type: 'INTEGER', integerValue: 3896 },
    { name: 'PORTS', type: 'STRINGSET', stringSetValue: ['22', '80', '32768'] },
    { name: 'PORTS_UDP', type: 'STRINGSET', stringSetValue: ['53'] },
    { name: 'GPU', type: 'STRINGSET', stringSetValue: ['G2'] },
  ]);
});

describe('requiredAttributes', () => {
  const C = 'com.amazonaws.ecs.capability.';
  const E = 'ecs.capability.';
  const role = 'arn:aws:iam::123456789012:role/r';
  const asm = 'arn:aws:secretsmanager:us-west-2:123456789012:secret:x';

  test('asks nothing for a plain task', () => {
    expect(requiredAttributes(definition())).toEqual([]);
  });

  test.each<[object, object, string[]]>([
    [
      {},
      { logConfiguration: { logDriver: 'awslogs' } },
      [`${C}docker-remote-api.1.18`, `${C}docker-remote-api.1.21`, `${C}logging-driver.awslogs`],
    ],
    [{ networkMode: 'awsvpc' }, {}, [`${E}task-eni`]],
    [{ taskRoleArn: role }, {}, [`${C}docker-remote-api.1.19`, `${C}task-iam-role`]],
    [
      { taskRoleArn: role, networkMode: 'host' },
      {},
      [`${C}docker-remote-api.1.19`, `${C}task-iam-role`, `${C}task-iam-role-network-host`],
    ],
    [
      { executionRoleArn: role },
      { image: '111122223333.dkr.ecr.us-west-2.amazonaws.com/a' },
      [`${C}docker-remote-api.1.19`, `${C}ecr-auth`, `${E}execution-role-ecr-pull`],
    ],
    [{ cpu: '512' }, {}, [`${C}docker-remote-api.1.22`, `${E}task-cpu-mem-limit`]],
    [{}, { privileged: true }, [`${C}privileged-container`]],
    [
      {},
      { healthCheck: { command: ['CMD', 'true'], startPeriod: 5 } },
      [`${C}docker-remote-api.1.24`, `${C}docker-remote-api.1.29`, `${E}container-health-check`],
    ],
    [{}, { linuxParameters: { initProcessEnabled: true } }, [`${C}docker-remote-api.1.25`]],
    [{}, { secrets: [{ name: 'A', valueFrom: asm }] }, [`${E}secrets.asm.environment-variables`]],
    [{}, { secrets: [{ name: 'A', valueFrom: 'p' }] }, [`${E}secrets.ssm.environment-variables`]],
    [{}, { portMappings: [{ containerPortRange: '80-90' }] }, [`${E}network.container-port-range`]],
    [{}, { restartPolicy: { enabled: true } }, [`${E}container-restart-policy`]],
    [{ pidMode: 'task' }, {}, [`${E}pid-ipc-namespace-sharing`]],
    [
      { volumes: [{ name: 'v', dockerVolumeConfiguration: { driver: 'rexray:latest' } }] },
      {},
      [`${E}docker-plugin.rexray.latest`],
    ],
    [{ volumes: [{ name: 'v', efsVolumeConfiguration: { fileSystemId: 'f' } }] }, {}, [`${E}efs`]],
    [{}, { environmentFiles: [{ value: 'arn:aws:s3:::b/k', type: 's3' }] }, [`${E}env-files.s3`]],
    [{}, { stopTimeout: 3 }, [`${E}container-ordering`]],
  ])('for %j with %j asks %j', (task, container, expected) => {
    const given = definition({ ...task }, { ...container });
    expect(requiredAttributes(given).map(({ name }) => name)).toEqual(expected);
  });
});
