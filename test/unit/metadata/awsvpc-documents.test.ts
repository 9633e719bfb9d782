import { describe, expect, it } from 'vitest';
import type { EndpointScope } from '../../../src/metadata/task-api/endpoint-tasks.ts';
import type { TaskEni } from '../../../src/task/eni.ts';
import { containerIdOf, taskIdOf } from '../../../src/task/ids.ts';
import { NETWORK_PAUSE, withNetworkPause } from '../../../src/task/internal-containers.ts';
import type { TaskState } from '../../../src/task/task-state.ts';
import { sampleContainerSpec, sampleContainerState, sampleTask } from '../store/sample-task.ts';
import { askIntrospection, introspectionSources } from './introspection-world.ts';
import { TaskApiWorld } from './task-api-world.ts';

const DUAL_STACK: TaskEni = {
  ec2Id: 'eni-1',
  macAddress: '0e:9e:32:c7:48:85',
  ipv4Addresses: ['10.0.2.100'],
  ipv6Addresses: ['2001:db8:0:aa00::5'],
  subnetGatewayIpv4: '10.0.2.65/26',
  dnsServers: ['10.0.0.2'],
  dnsSearch: ['us-west-2.compute.internal'],
  privateDnsName: 'ip-10-0-2-100.us-west-2.compute.internal',
};
const IPV6_ONLY: TaskEni = {
  ec2Id: 'eni-1',
  macAddress: '0e:9e:32:c7:48:85',
  ipv4Addresses: [],
  ipv6Addresses: ['2001:db8:0:aa1f::5'],
  subnetGatewayIpv6: '2001:db8:0:aa00::1/59',
  dnsServers: [],
  dnsSearch: [],
};

/** A task on that ENI: `app`, with a port and a range of ports, runs, `two` has ended. */
function taskOn(eni: TaskEni): TaskState {
  const task = sampleTask('one');
  const portMappings = [
    { protocol: 'tcp' as const, containerPort: 80, hostPort: 0 },
    { protocol: 'udp' as const, containerPort: 5000, hostPort: 0, rangeLength: 2 },
  ];
  return {
    ...task,
    spec: {
      ...task.spec,
      networkMode: 'awsvpc',
      eni,
      containers: [{ ...sampleContainerSpec('app'), portMappings }, sampleContainerSpec('two')],
    },
    containers: [
      { ...sampleContainerState('app'), createdAt: 1, portBindings: [] },
      { ...sampleContainerState('two'), createdAt: 1, known: 'STOPPED', exitCode: 0 },
    ],
  };
}

/** Asks as a container of the task. */
async function ask(task: TaskState, path: (id: string) => string): Promise<Record<string, unknown>> {
  await using api = new TaskApiWorld({ tasks: [task] });
  const scope: EndpointScope = { kind: 'task', taskId: taskIdOf(task.spec.arn) };
  const { status, json } = await api.request(scope, path(api.ids.idOf(task.spec, 'app')));
  expect(status).toBe(200);
  return { ...(json as object) };
}

describe('an awsvpc task', () => {
  it('sees its ENI in v4, its subnets with it, in the order of the members (TMDS-27)', async () => {
    const { Networks } = await ask(taskOn(DUAL_STACK), (id) => `/v4/${id}`);
    expect(JSON.stringify(Networks)).toBe(
      JSON.stringify([
        {
          NetworkMode: 'awsvpc',
          IPv4Addresses: ['10.0.2.100'],
          IPv6Addresses: ['2001:db8:0:aa00::5'],
          AttachmentIndex: 0,
          MACAddress: '0e:9e:32:c7:48:85',
          IPv4SubnetCIDRBlock: '10.0.2.64/26',
          IPv6SubnetCIDRBlock: '2001:db8:0:aa00::/64',
          DomainNameServers: ['10.0.0.2'],
          DomainNameSearchList: ['us-west-2.compute.internal'],
          PrivateDNSName: 'ip-10-0-2-100.us-west-2.compute.internal',
          SubnetGatewayIpv4Address: '10.0.2.65/26',
        },
      ]),
    );
  });

  it('on an ENI with IPv6 alone sees the IPv6 gateway, on others not (TMDS-28)', async () => {
    const dual = { ...DUAL_STACK, subnetGatewayIpv6: '2001:db8:0:aa00::1/64' };
    const { Networks } = await ask(taskOn(dual), (id) => `/v4/${id}`);
    expect(Networks).toEqual([expect.not.objectContaining({ SubnetGatewayIpv6Address: expect.anything() })]);
    expect(await ask(taskOn(IPV6_ONLY), (id) => `/v4/${id}`)).toHaveProperty('Networks', [
      {
        NetworkMode: 'awsvpc',
        IPv6Addresses: ['2001:db8:0:aa1f::5'],
        AttachmentIndex: 0,
        MACAddress: '0e:9e:32:c7:48:85',
        IPv6SubnetCIDRBlock: '2001:db8:0:aa00::/59',
        SubnetGatewayIpv6Address: '2001:db8:0:aa00::1/59',
      },
    ]);
  });

  it.each(['v2', 'v3'])(
    'sees in %s its addresses alone, on every container, ended ones too',
    async (version) => {
      const path = (id: string) => (version === 'v2' ? '/v2/metadata' : `/v3/${id}/task`);
      const { Containers } = await ask(taskOn(DUAL_STACK), path);
      const networks = [
        {
          NetworkMode: 'awsvpc',
          IPv4Addresses: ['10.0.2.100'],
          IPv6Addresses: ['2001:db8:0:aa00::5'],
        },
      ];
      expect(Containers).toMatchObject([
        { Name: 'app', Networks: networks },
        { Name: 'two', Networks: networks },
      ]);
      expect(JSON.stringify(Containers)).not.toContain('AttachmentIndex');
    },
  );

  it('has its ports on the ENI under their own numbers (TMDS-26)', async () => {
    const ports = [
      { ContainerPort: 80, Protocol: 'tcp', HostPort: 80 },
      { ContainerPort: 5000, Protocol: 'udp', HostPort: 5000 },
      { ContainerPort: 5001, Protocol: 'udp', HostPort: 5001 },
    ];
    expect(await ask(taskOn(DUAL_STACK), (id) => `/v3/${id}`)).toHaveProperty('Ports', ports);
    expect(await ask(taskOn(DUAL_STACK), (id) => `/v4/${id}`)).toHaveProperty('Ports', ports);
  });

  it('shows the container that holds its network, where there is one, as one with its ENI', async () => {
    const task = taskOn(DUAL_STACK);
    const spec = withNetworkPause(task.spec);
    const pause = { ...sampleContainerState(NETWORK_PAUSE), createdAt: 1, known: 'RUNNING' as const };
    const held = { ...task, spec, containers: [...task.containers, pause] };
    for (const path of [(id: string) => `/v3/${id}/task`, (id: string) => `/v4/${id}/task`])
      expect(await ask(held, path)).toMatchObject({
        Containers: [
          { Name: 'app', Type: 'NORMAL' },
          { Name: 'two' },
          {
            DockerId: containerIdOf(spec.arn, NETWORK_PAUSE, 0),
            Name: '~internal~ecs~pause',
            Image: 'amazon/amazon-ecs-pause:0.1.0',
            DesiredStatus: 'RESOURCES_PROVISIONED',
            KnownStatus: 'RESOURCES_PROVISIONED',
            Type: 'CNI_PAUSE',
            Networks: [{ NetworkMode: 'awsvpc', IPv4Addresses: ['10.0.2.100'] }],
          },
        ],
      });
  });

  it('is found in v2 by who asks, its containers by their runtime ids (TMDS-17)', async () => {
    const task = taskOn(DUAL_STACK);
    const id = containerIdOf(task.spec.arn, 'app', 0);
    expect(await ask(task, () => '/v2/metadata/')).toMatchObject({ TaskARN: task.spec.arn });
    expect(await ask(task, () => `/v2/metadata/${id}`)).toMatchObject({ DockerId: id, Name: 'app' });
  });

  it('is shown with its addresses and ports in introspection too', async () => {
    const task = taskOn(DUAL_STACK);
    const running = { ...task, containers: task.containers.map(({ portBindings: _, ...rest }) => rest) };
    const answer = await askIntrospection(introspectionSources([running]), '/v1/tasks');
    expect(answer.body).toMatchObject({
      Tasks: [
        {
          Containers: [
            {
              Name: 'app',
              Networks: [
                {
                  NetworkMode: 'awsvpc',
                  IPv4Addresses: ['10.0.2.100'],
                  IPv6Addresses: ['2001:db8:0:aa00::5'],
                },
              ],
              Ports: [{ HostPort: 80 }, { HostPort: 5000 }, { HostPort: 5001 }],
            },
            { Name: 'two' },
          ],
        },
      ],
    });
  });
});
