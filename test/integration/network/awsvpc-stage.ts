import type { Socket } from 'node:net';
import { AwsvpcNetwork, type AwsvpcNetworkOptions } from '../../../src/network/awsvpc/awsvpc-network.ts';
import type { ContainerNetwork } from '../../../src/network/network.ts';
import type { TaskEni } from '../../../src/task/eni.ts';
import { containerIdOf, type TaskId, taskArn, taskIdOf } from '../../../src/task/ids.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';
import { type PlayedEni, VPC } from '../../support/instance.ts';
import { inNamespace } from '../../support/network-host.ts';
import { run } from '../../support/run.ts';
import { sampleContainerSpec } from '../../unit/store/sample-task.ts';

const { signal } = new AbortController();
/** Where distributions have the standard CNI plugins. */
export const CNI_DIRECTORIES = ['/opt/cni/bin', '/usr/lib/cni'];

/** An ENI as ECS describes it to a task. */
export function eniOf({ mac, ipv4, ipv6 }: PlayedEni, changes: Partial<TaskEni> = {}): TaskEni {
  return {
    ec2Id: `eni-${mac.replaceAll(':', '')}`,
    macAddress: mac,
    ipv4Addresses: [ipv4],
    ipv6Addresses: [ipv6],
    subnetGatewayIpv4: `${VPC.router4}/24`,
    dnsServers: ['10.98.0.2'],
    dnsSearch: ['us-west-2.compute.internal'],
    privateDnsName: `ip-${ipv4.replaceAll('.', '-')}.internal`,
    ...changes,
  };
}

/** A task with two containers on an ENI. */
export function awsvpcTask(id: string, eni: TaskEni): TaskSpec {
  return {
    arn: taskArn(`arn:aws:ecs:us-west-2:1:task/c/${id.padEnd(32, '0')}`),
    clusterArn: 'c',
    family: 'f',
    version: '1',
    networkMode: 'awsvpc',
    eni,
    containers: [sampleContainerSpec('app'), sampleContainerSpec('side')],
    unsupported: [],
  };
}

/** Answers with the task that asks. */
export function tellTask(socket: Socket, task: TaskId): void {
  socket.on('error', () => undefined).once('data', () => socket.end(`HTTP/1.0 200 OK\r\n\r\n${task}`));
}

/** An awsvpc network of this process, which has to be in the namespace that plays the instance. */
export async function openAwsvpc(
  namespace: string,
  runDir: string,
  options: Partial<AwsvpcNetworkOptions> = {},
): Promise<AwsvpcNetwork> {
  return await AwsvpcNetwork.open({
    runDir,
    namespace,
    blockInstanceMetadata: false,
    log: { info: () => undefined, warn: () => undefined },
    takeConnection: tellTask,
    ...options,
  });
}

/** The network of one container of the task, whole. */
export async function ensure(
  network: AwsvpcNetwork,
  task: TaskSpec,
  container = 'app',
): Promise<ContainerNetwork> {
  const spec = sampleContainerSpec(container);
  const options = { id: containerIdOf(task.arn, container, 0), signal };
  const prepared = await network.prepareContainerNetwork(task, spec, options);
  await network.completeContainerNetwork(task, spec, options);
  return prepared;
}

/** Name under /run/netns of a task's namespace. */
export const netnsOf = (namespace: string, { arn }: TaskSpec) => `${namespace}-${taskIdOf(arn)}`;

/** Runs a program in a task's namespace. */
export async function inTask(
  namespace: string,
  task: TaskSpec,
  program: string,
  ...args: readonly string[]
): Promise<string> {
  return await run(...inNamespace(netnsOf(namespace, task), program, args));
}
