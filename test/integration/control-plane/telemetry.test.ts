import {
  CreateClusterCommand,
  DescribeContainerInstancesCommand,
  DescribeTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
} from '@aws-sdk/client-ecs';
import { expect, test } from 'vitest';
import { AgentDouble } from './agent-double.ts';
import { stage } from './stage.ts';

async function scene(options: Parameters<typeof stage>[0] = {}) {
  const on = await stage(options);
  await on.ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
  const agent = await AgentDouble.register(on, 'c', {
    attributes: [
      { name: 'com.amazonaws.ecs.capability.docker-remote-api.1.24' },
      { name: 'ecs.capability.container-health-check' },
    ],
  });
  return { on, agent, tcs: await agent.tcs() };
}

const idle = (agent: AgentDouble) => ({
  metadata: { cluster: 'c', containerInstance: agent.arn, fin: true, idle: true, messageId: 'm' },
  timestamp: 1767225600.012,
});

test('signed frames are parsed and acked, each by its own name (CP-17, CP-31)', async () => {
  const { on, agent, tcs } = await scene();
  await using _ = on;
  await tcs.sendSigned('PublishMetricsRequest', idle(agent));
  await tcs.next('AckPublishMetric');
  await tcs.sendSigned('PublishHealthRequest', { metadata: {}, tasks: [] });
  await tcs.next('AckPublishHealth');
  await tcs.sendSigned('PublishInstanceStatusRequest', { metadata: {}, statuses: [] });
  await tcs.next('AckPublishInstanceStatus');
  expect(tcs.received).toHaveLength(3);
});

test('a bare frame is acked too', async () => {
  const { on, agent, tcs } = await scene();
  await using _ = on;
  tcs.send('PublishMetricsRequest', idle(agent));
  await tcs.next('AckPublishMetric');
});

test('a frame with a wrong signature is not acked', async () => {
  const { on, agent, tcs } = await scene();
  await using _ = on;
  await tcs.sendSigned('PublishMetricsRequest', idle(agent), { accessKeyId: 'test', secretAccessKey: 'x' });
  const { message } = await tcs.next('BadRequestException');
  expect(message.message).toContain('InvalidSignatureException');
  await tcs.sendSigned('PublishMetricsRequest', idle(agent));
  await tcs.next('AckPublishMetric');
  expect(tcs.received).toHaveLength(2);
});

test('a malformed frame is answered with what is wrong', async () => {
  const { on, tcs } = await scene();
  await using _ = on;
  tcs.socket.send('{"type":"PublishHealthRequest","message":{"metadata":1}}');
  const { message } = await tcs.next('InvalidParameterException');
  expect(message.message).toContain('metadata');
});

test('health of containers makes the health of their task', async () => {
  const { on, agent, tcs } = await scene();
  await using _ = on;
  const healthCheck = { command: ['CMD', 'true'] };
  await on.ecs.send(
    new RegisterTaskDefinitionCommand({
      family: 'web',
      containerDefinitions: [
        { name: 'app', image: 'busybox', memory: 8, healthCheck },
        { name: 'side', image: 'busybox', memory: 8 },
      ],
    }),
  );
  await agent.acs();
  const { tasks } = await on.ecs.send(new RunTaskCommand({ cluster: 'c', taskDefinition: 'web' }));
  const taskArn = tasks?.[0]?.taskArn ?? '';
  const describe = async () => {
    const described = await on.ecs.send(new DescribeTasksCommand({ cluster: 'c', tasks: [taskArn] }));
    return described.tasks?.[0];
  };
  expect(await describe()).toMatchObject({ healthStatus: 'UNKNOWN' });
  for (const healthStatus of ['HEALTHY', 'UNHEALTHY']) {
    const containers = [{ containerName: 'app', healthStatus, statusSince: 1767225590.5 }];
    await tcs.sendSigned('PublishHealthRequest', { metadata: {}, tasks: [{ taskArn, containers }] });
    await tcs.next('AckPublishHealth');
    const task = await describe();
    expect(task?.healthStatus).toBe(healthStatus);
    expect(task?.containers?.map((container) => container.healthStatus)).toEqual([healthStatus, 'UNKNOWN']);
  }
});

test('instance status is shown with the container instance', async () => {
  const { on, agent, tcs } = await scene();
  await using _ = on;
  const check = {
    type: 'ContainerRuntime',
    status: 'IMPAIRED',
    lastUpdated: 1767225560.2,
    lastStatusChange: 1,
  };
  await tcs.sendSigned('PublishInstanceStatusRequest', { metadata: {}, statuses: [check] });
  await tcs.next('AckPublishInstanceStatus');
  const { containerInstances } = await on.ecs.send(
    new DescribeContainerInstancesCommand({
      cluster: 'c',
      containerInstances: [agent.arn],
      include: ['CONTAINER_INSTANCE_HEALTH'],
    }),
  );
  expect(containerInstances?.[0]?.healthStatus).toEqual({
    overallStatus: 'IMPAIRED',
    details: [
      {
        type: 'CONTAINER_RUNTIME',
        status: 'IMPAIRED',
        lastUpdated: new Date(1_767_225_560_200),
        lastStatusChange: new Date(1000),
      },
    ],
  });
});

test('the channel has heartbeats and an end', async () => {
  const { on, tcs } = await scene({ tcsHeartbeatMs: 20, connectionLifeMs: 100 });
  await using _ = on;
  expect((await tcs.next('HeartbeatMessage')).message).toEqual({ healthy: true });
  expect(await tcs.closed).toMatchObject({ code: 1000 });
});
