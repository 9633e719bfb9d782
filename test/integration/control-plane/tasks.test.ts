import {
  CreateClusterCommand,
  DeregisterContainerInstanceCommand,
  GetTaskProtectionCommand,
  RunTaskCommand,
  StartTaskCommand,
  StopTaskCommand,
  UpdateTaskProtectionCommand,
} from '@aws-sdk/client-ecs';
import { describe, expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { AgentDouble, call } from './agent-double.ts';
import { define, describeTask, ROLE, run, scene } from './scene.ts';
import { client, stage } from './stage.ts';

describe('a task', () => {
  test('is sent as a payload, runs and ends as its agent reports (CP-04, CP-24)', async () => {
    const { on, agent, acs } = await scene();
    await using _ = on;
    const arn = await run(on.ecs, { startedBy: 'me' });
    expect(await describeTask(on.ecs, arn)).toMatchObject({
      lastStatus: 'PENDING',
      desiredStatus: 'RUNNING',
      group: 'family:web',
      startedBy: 'me',
      launchType: 'EC2',
      containerInstanceArn: agent.arn,
    });
    const payload = await acs.next('PayloadMessage');
    expect(payload.message).toMatchObject({
      clusterArn: 'arn:aws:ecs:us-west-2:123456789012:cluster/c',
      containerInstanceArn: agent.arn,
      tasks: [{ arn, desiredStatus: 'RUNNING', containers: [{ name: 'app' }] }],
    });
    agent.ack(acs, payload);
    const [task] = payload.message.tasks;
    await agent.reportRunning(task);
    const running = await describeTask(on.ecs, arn);
    expect(running).toMatchObject({
      lastStatus: 'RUNNING',
      connectivity: 'CONNECTED',
      pullStartedAt: new Date(1_767_225_601_200),
      containers: [
        { name: 'app', lastStatus: 'RUNNING', runtimeId: 'runtime-app', imageDigest: 'sha256:0a1b' },
      ],
    });
    expect(running.startedAt).toBeInstanceOf(Date);
    await agent.reportStopped(task, 7);
    expect(await describeTask(on.ecs, arn)).toMatchObject({
      lastStatus: 'STOPPED',
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
      executionStoppedAt: new Date(1_767_229_000_500),
      containers: [{ name: 'app', lastStatus: 'STOPPED', exitCode: 7 }],
    });
  });

  test('that is stopped is sent as STOPPED and ends UserInitiated (CP-05, CP-25)', async () => {
    const { on, agent, acs } = await scene();
    await using _ = on;
    const arn = await run(on.ecs);
    const start = await acs.next('PayloadMessage');
    agent.ack(acs, start);
    await agent.reportRunning(start.message.tasks[0]);
    await on.ecs.send(new StopTaskCommand({ cluster: 'c', task: arn, reason: 'enough' }));
    expect(await describeTask(on.ecs, arn)).toMatchObject({
      lastStatus: 'RUNNING',
      desiredStatus: 'STOPPED',
    });
    const stop = await acs.next('PayloadMessage');
    expect(stop.message.tasks).toMatchObject([{ arn, desiredStatus: 'STOPPED' }]);
    expect(stop.message.seqNum).toBeGreaterThan(start.message.seqNum);
    agent.ack(acs, stop);
    await agent.reportStopped(stop.message.tasks[0], 137);
    expect(await describeTask(on.ecs, arn)).toMatchObject({
      lastStatus: 'STOPPED',
      stopCode: 'UserInitiated',
      stoppedReason: 'enough',
      containers: [{ exitCode: 137 }],
    });
  });

  test('unknown to the control plane is answered InvalidParameterException (CP-20)', async () => {
    const { on, agent } = await scene();
    await using _ = on;
    for (const task of ['arn:aws:ecs:us-west-2:123456789012:task/c/0123456789abcdef0123456789abcdef', '']) {
      await expect(agent.report({ task, status: 'STOPPED' })).rejects.toMatchObject({
        name: 'InvalidParameterException',
      });
    }
  });

  test('is made once for a clientToken, and a changed request is a conflict', async () => {
    const { on } = await scene();
    await using _ = on;
    const input = { cluster: 'c', taskDefinition: 'web', clientToken: 'token-1' };
    const first = await on.ecs.send(new RunTaskCommand(input));
    const second = await on.ecs.send(new RunTaskCommand(input));
    expect(second.tasks?.map(({ taskArn }) => taskArn)).toEqual(first.tasks?.map(({ taskArn }) => taskArn));
    await expect(on.ecs.send(new RunTaskCommand({ ...input, count: 2 }))).rejects.toMatchObject({
      name: 'ConflictException',
      resourceIds: first.tasks?.map(({ taskArn }) => taskArn),
    });
  });

  test('carries the overrides of its run', async () => {
    const { on, acs } = await scene();
    await using _ = on;
    const overrides = {
      containerOverrides: [{ name: 'app', command: ['date'], environment: [{ name: 'A', value: 'b' }] }],
    };
    const arn = await run(on.ecs, { overrides });
    const { message } = await acs.next('PayloadMessage');
    expect(message.tasks[0].containers[0]).toMatchObject({
      overrides: '{"command":["date"]}',
      environment: { A: 'b' },
    });
    expect((await describeTask(on.ecs, arn)).overrides?.containerOverrides).toEqual(
      overrides.containerOverrides,
    );
    await expect(run(on.ecs, { overrides: { containerOverrides: [{ name: 'x' }] } })).rejects.toMatchObject({
      name: 'InvalidParameterException',
    });
  });

  test('can be protected with the credentials of its role', async () => {
    const { on, acs } = await scene({}, { taskRoleArn: ROLE });
    await using _ = on;
    const arn = await run(on.ecs);
    const { message } = await acs.next('PayloadMessage');
    const { accessKeyId, secretAccessKey, sessionToken } = message.tasks[0].roleCredentials;
    const own = client(
      on.controlPlane.url,
      Object.assign({ accessKeyId, secretAccessKey }, { sessionToken }),
    );
    const { protectedTasks } = await own.send(
      new UpdateTaskProtectionCommand({
        cluster: 'c',
        tasks: [arn],
        protectionEnabled: true,
        expiresInMinutes: 5,
      }),
    );
    expect(protectedTasks).toMatchObject([{ taskArn: arn, protectionEnabled: true }]);
    const got = await own.send(new GetTaskProtectionCommand({ cluster: 'c', tasks: [arn, 'missing'] }));
    expect(got.protectedTasks?.[0]?.expirationDate).toBeInstanceOf(Date);
    expect(got.failures).toMatchObject([{ reason: 'MISSING' }]);
    own.destroy();
  });
});

describe('placement', () => {
  test('takes the first instance that fits and says why others do not', async () => {
    const { on, agent } = await scene();
    await using _ = on;
    const other = await AgentDouble.register(on, 'c');
    await other.acs();
    const containerDefinitions = [{ name: 'app', image: 'busybox', memory: 600 }];
    await define(on.ecs, { family: 'big', containerDefinitions });
    const { tasks, failures } = await on.ecs.send(
      new RunTaskCommand({ cluster: 'c', taskDefinition: 'big', count: 3 }),
    );
    expect(tasks?.map(({ containerInstanceArn }) => containerInstanceArn)).toEqual([agent.arn, other.arn]);
    expect(failures).toEqual([
      { arn: agent.arn, reason: 'RESOURCE:MEMORY' },
      { arn: other.arn, reason: 'RESOURCE:MEMORY' },
    ]);
  });

  test('keeps a task from an agent that lacks its log driver', async () => {
    const { on, agent } = await scene();
    await using _ = on;
    const logConfiguration = { logDriver: 'awslogs' as const };
    await define(on.ecs, {
      family: 'logs',
      containerDefinitions: [{ name: 'app', image: 'busybox', memory: 4, logConfiguration }],
    });
    const { tasks, failures } = await on.ecs.send(
      new RunTaskCommand({ cluster: 'c', taskDefinition: 'logs' }),
    );
    expect(tasks).toEqual([]);
    expect(failures).toEqual([{ arn: agent.arn, reason: 'ATTRIBUTE' }]);
  });

  test('gives each task GPUs of its own', async () => {
    await using on = await stage();
    await on.ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
    const resourceRequirements = [{ type: 'GPU' as const, value: '1' }];
    await define(on.ecs, {
      containerDefinitions: [{ name: 'app', image: 'busybox', memory: 4, resourceRequirements }],
    });
    const platformDevices = ['GPU-1', 'GPU-2'].map((id) => ({ id, type: 'GPU' }));
    const agent = await AgentDouble.register(on, 'c', { platformDevices });
    const acs = await agent.acs();
    const { tasks, failures } = await on.ecs.send(
      new RunTaskCommand({ cluster: 'c', taskDefinition: 'web', count: 3 }),
    );
    expect(tasks?.map(({ containers }) => containers?.[0]?.gpuIds)).toEqual([['GPU-1'], ['GPU-2']]);
    expect(failures).toEqual([{ arn: agent.arn, reason: 'RESOURCE:GPU' }]);
    const { message } = await acs.next('PayloadMessage');
    expect(message.tasks[0].associations).toMatchObject([
      { type: 'gpu', name: 'GPU-1', containers: ['app'] },
    ]);
  });

  test('of StartTask tells MISSING, INACTIVE and AGENT', async () => {
    const { on, agent, acs } = await scene();
    await using _ = on;
    const gone = await AgentDouble.register(on, 'c');
    await on.ecs.send(new DeregisterContainerInstanceCommand({ cluster: 'c', containerInstance: gone.arn }));
    const away = await AgentDouble.register(on, 'c');
    const containerInstances = [agent.arn, gone.arn, away.arn, '0'.repeat(32)];
    const { tasks, failures } = await on.ecs.send(
      new StartTaskCommand({ cluster: 'c', taskDefinition: 'web', containerInstances }),
    );
    expect(tasks).toMatchObject([{ containerInstanceArn: agent.arn }]);
    expect(failures?.map(({ reason }) => reason)).toEqual(['INACTIVE', 'AGENT', 'MISSING']);
    await acs.next('PayloadMessage');
  });

  test('refuses what this control plane cannot do', async () => {
    const { on } = await scene();
    await using _ = on;
    await define(on.ecs, { family: 'eni', networkMode: 'awsvpc' });
    await expect(run(on.ecs, { taskDefinition: 'eni' })).rejects.toThrow('awsvpc');
    await expect(run(on.ecs, { launchType: 'FARGATE' })).rejects.toThrow('FARGATE');
    await expect(run(on.ecs, { count: 11 })).rejects.toThrow('between 1 and 10');
    await expect(run(on.ecs, { taskDefinition: 'none' })).rejects.toThrow('TaskDefinition not found.');
  });

  test('without an instance is an error', async () => {
    await using on = await stage();
    await on.ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
    await define(on.ecs);
    await expect(run(on.ecs)).rejects.toThrow('No Container Instances were found in your cluster.');
  });
});

describe('an awsvpc task', () => {
  const ENI = {
    macAddress: '0e:00:00:00:00:06',
    ec2Id: 'eni-1',
    subnetId: 'subnet-1',
    privateIpv4Addresses: ['10.0.2.6'],
    ipv6Addresses: [],
    subnetGatewayIpv4Address: '10.0.2.1/24',
    domainNameServers: ['10.0.0.2'],
    domainName: [],
  };
  const inSubnet = { networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } } };
  const withEni = (more: object = {}) =>
    scene({ networkInterfaces: [ENI], ...more }, { networkMode: 'awsvpc' });

  test('has its ENI announced first and its payload sent once the agent told of it (CP-19)', async () => {
    const { on, agent, acs } = await withEni();
    await using _ = on;
    const arn = await run(on.ecs, inSubnet);
    expect(await describeTask(on.ecs, arn)).toMatchObject({
      lastStatus: 'PROVISIONING',
      attachments: [{ type: 'ElasticNetworkInterface', status: 'ATTACHING' }],
    });
    const attach = await acs.next('AttachTaskNetworkInterfacesMessage');
    expect(attach.message).toMatchObject({
      taskArn: arn,
      containerInstanceArn: agent.arn,
      elasticNetworkInterfaces: [{ macAddress: ENI.macAddress, subnetGatewayIpv4Address: '10.0.2.1/24' }],
    });
    agent.ack(acs, attach);
    const [{ attachmentArn }] = attach.message.elasticNetworkInterfaces;
    const told = { cluster: 'c', task: arn, attachments: [{ attachmentArn, status: 'ATTACHED' }] };
    expect(acs.received.map(({ type }) => type)).not.toContain('PayloadMessage');
    await call(on.controlPlane.url, 'SubmitTaskStateChange', told);
    await call(on.controlPlane.url, 'SubmitTaskStateChange', told);
    const payload = await acs.next('PayloadMessage');
    agent.ack(acs, payload);
    const [task] = payload.message.tasks;
    expect(task).toMatchObject({ networkMode: 'awsvpc', elasticNetworkInterfaces: [{ ec2Id: 'eni-1' }] });
    expect(await describeTask(on.ecs, arn)).toMatchObject({
      lastStatus: 'PENDING',
      attachments: [{ status: 'ATTACHED' }],
      containers: [{ networkInterfaces: [{ privateIpv4Address: '10.0.2.6' }] }],
    });
    await agent.reportRunning(task);
    await agent.reportStopped(task, 0);
    expect(await describeTask(on.ecs, arn)).toMatchObject({ attachments: [{ status: 'DELETED' }] });
  });

  test('is not placed where no ENI is free, and has to name a subnet of this control plane', async () => {
    const { on } = await withEni();
    await using _ = on;
    await run(on.ecs, inSubnet);
    const more = new RunTaskCommand({ cluster: 'c', taskDefinition: 'web', ...inSubnet });
    expect((await on.ecs.send(more)).failures).toMatchObject([{ reason: 'RESOURCE:ENI' }]);
    await expect(run(on.ecs)).rejects.toThrow(/Network Configuration must be provided/);
    const elsewhere = { networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-9'] } } };
    await expect(run(on.ecs, elsewhere)).rejects.toThrow(/subnet-9.*subnet-1/);
  });

  test('whose ENI the agent does not see in time fails and gives the ENI free', async () => {
    const { on, acs } = await withEni({ attachWaitMs: 50 });
    await using _ = on;
    const arn = await run(on.ecs, inSubnet);
    await acs.next('AttachTaskNetworkInterfacesMessage');
    await until(async () => (await describeTask(on.ecs, arn)).lastStatus === 'STOPPED', { what: 'it fails' });
    expect(await describeTask(on.ecs, arn)).toMatchObject({
      stopCode: 'TaskFailedToStart',
      stoppedReason: 'Timeout waiting for network interface provisioning to complete.',
    });
    await run(on.ecs, inSubnet);
  });
});
