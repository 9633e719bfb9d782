import {
  DeregisterContainerInstanceCommand,
  DescribeContainerInstancesCommand,
  ListTasksCommand,
  StopTaskCommand,
} from '@aws-sdk/client-ecs';
import { describe, expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { open, RefusedError } from './agent-double.ts';
import { describeTask, isConnected, ROLE, run, scene } from './scene.ts';
import { stage } from './stage.ts';

describe('an ACS connection', () => {
  test('gets what was not acked again after a reconnect (CP-06)', async () => {
    const { on, agent, acs } = await scene();
    await using _ = on;
    await run(on.ecs);
    const first = await acs.next('PayloadMessage');
    acs.cut();
    await acs.closed;
    const again = await agent.acs({ sendCredentials: false });
    const second = await again.next('PayloadMessage');
    expect(second.message.messageId).toBe(first.message.messageId);
    expect(second.message.seqNum).toBe(first.message.seqNum);
    agent.ack(again, second);
    again.cut();
    const third = await agent.acs();
    await third.next('TaskManifestMessage');
    expect(third.received.map(({ type }) => type)).not.toContain('PayloadMessage');
  });

  test('gets what was not acked again after the resend time', async () => {
    const { on, agent, acs } = await scene({ resendMs: 60 });
    await using _ = on;
    await run(on.ecs);
    const first = await acs.next('PayloadMessage');
    const second = await acs.next('PayloadMessage');
    expect(second.message.messageId).toBe(first.message.messageId);
    agent.ack(acs, second);
  });

  test('never carries the start of a task after its stop', async () => {
    const { on, agent, acs } = await scene();
    await using _ = on;
    const arn = await run(on.ecs);
    await acs.next('PayloadMessage');
    acs.cut();
    await on.ecs.send(new StopTaskCommand({ cluster: 'c', task: arn }));
    const again = await agent.acs();
    const { message } = await again.next('PayloadMessage');
    expect(message.tasks).toMatchObject([{ arn, desiredStatus: 'STOPPED' }]);
    await agent.report({ task: arn, status: 'STOPPED' });
    expect(again.received.filter(({ type }) => type === 'PayloadMessage')).toHaveLength(1);
  });

  test('starts with a manifest of the tasks, numbered above every payload (CP-16)', async () => {
    const { on, agent, acs } = await scene();
    await using _ = on;
    const first = await acs.next('TaskManifestMessage');
    expect(first.message).toMatchObject({ containerInstanceArn: agent.arn, tasks: [] });
    const arn = await run(on.ecs);
    const payload = await acs.next('PayloadMessage');
    agent.ack(acs, payload);
    acs.cut();
    const again = await agent.acs();
    const { message } = await again.next('TaskManifestMessage');
    expect(message.tasks).toEqual([
      { taskArn: arn, taskClusterArn: payload.message.clusterArn, desiredStatus: 'RUNNING' },
    ]);
    expect(message.timeline).toBeGreaterThan(payload.message.seqNum);
  });

  test('is told which candidates really are to stop (CP-30)', async () => {
    const { on, acs } = await scene();
    await using _ = on;
    const arn = await run(on.ecs);
    const stranger = 'arn:aws:ecs:us-west-2:123456789012:task/c/ffffffffffffffffffffffffffffffff';
    const manifest = await acs.next('TaskManifestMessage');
    acs.send('TaskStopVerificationMessage', {
      messageId: manifest.message.messageId,
      stopCandidates: [arn, stranger].map((taskArn) => ({ taskArn, desiredStatus: 'STOPPED' })),
    });
    const { message } = await acs.next('TaskStopVerificationAck');
    expect(message).toMatchObject({
      messageId: manifest.message.messageId,
      stopTasks: [{ taskArn: stranger, desiredStatus: 'STOPPED' }],
    });
  });

  test('gets the credentials of its tasks when it asks for them (CP-15)', async () => {
    const { on, agent, acs } = await scene({}, { taskRoleArn: ROLE, executionRoleArn: `${ROLE}-x` });
    await using _ = on;
    const arn = await run(on.ecs);
    const payload = await acs.next('PayloadMessage');
    agent.ack(acs, payload);
    acs.cut();
    const quiet = await agent.acs({ sendCredentials: false });
    await quiet.next('TaskManifestMessage');
    quiet.cut();
    const asking = await agent.acs({ sendCredentials: true });
    const sets = [
      await asking.next('IAMRoleCredentialsMessage'),
      await asking.next('IAMRoleCredentialsMessage'),
    ];
    const [task] = payload.message.tasks;
    expect(sets.map(({ message }) => [message.taskArn, message.roleType, message.roleCredentials])).toEqual([
      [arn, 'TaskApplication', task.roleCredentials],
      [arn, 'TaskExecution', task.executionRoleCredentials],
    ]);
    expect(quiet.received.map(({ type }) => type)).not.toContain('IAMRoleCredentialsMessage');
  });

  test('gets renewed credentials before the old ones end (CP-29)', async () => {
    let now = Date.now();
    const { on, agent, acs } = await scene({ now: () => now }, { taskRoleArn: ROLE });
    await using _ = on;
    await run(on.ecs);
    const payload = await acs.next('PayloadMessage');
    agent.ack(acs, payload);
    const old = payload.message.tasks[0].roleCredentials;
    now = Date.parse(old.expiration) - 16 * 60_000;
    const { message } = await acs.next('IAMRoleCredentialsMessage');
    expect(message.roleCredentials.credentialsId).toBe(old.credentialsId);
    expect(message.roleCredentials.accessKeyId).not.toBe(old.accessKeyId);
    expect(Date.parse(message.roleCredentials.expiration)).toBeGreaterThan(Date.parse(old.expiration));
    agent.ackCredentials(acs, message.messageId, message.roleCredentials);
  });

  test('has heartbeats and is closed when they are not acked', async () => {
    const { on, acs } = await scene({ acsHeartbeatMs: 30 });
    await using _ = on;
    const { message } = await acs.next('HeartbeatMessage');
    expect(message).toMatchObject({ healthy: true });
    acs.send('HeartbeatAckRequest', { messageId: message.messageId });
    await acs.next('HeartbeatMessage');
    await acs.next('HeartbeatMessage');
    expect(await acs.closed).toMatchObject({ code: 1000 });
  });

  test('is asked to reconnect when it is old', async () => {
    const { on, acs } = await scene({ connectionLifeMs: 50 });
    await using _ = on;
    const reason = 'ConnectionExpired: Reconnect to continue';
    expect((await acs.next('CloseMessage')).message).toEqual({ message: reason });
    expect(await acs.closed).toEqual({ code: 1000, reason });
  });

  test('makes the agent connected and tells its version, until it ends', async () => {
    const { on, agent, acs } = await scene();
    await using _ = on;
    const { containerInstances } = await on.ecs.send(
      new DescribeContainerInstancesCommand({ cluster: 'c', containerInstances: [agent.arn] }),
    );
    expect(containerInstances).toMatchObject([
      {
        agentConnected: true,
        versionInfo: { agentVersion: '1.0.0', agentHash: '8dfceca6', dockerVersion: 'containerd' },
      },
    ]);
    acs.cut();
    await until(async () => !(await isConnected(on, agent.arn)), { what: 'the agent is away' });
  });

  test('is replaced by a newer one of the same instance', async () => {
    const { on, agent, acs } = await scene();
    await using _ = on;
    const newer = await agent.acs();
    await acs.closed;
    await run(on.ecs);
    await newer.next('PayloadMessage');
    expect(await isConnected(on, agent.arn)).toBe(true);
  });

  test('of a deregistered instance ends and is refused with InactiveInstanceException (CP-18)', async () => {
    const { on, agent, acs } = await scene();
    await using _ = on;
    const arn = await run(on.ecs);
    const input = { cluster: 'c', containerInstance: agent.arn };
    await expect(on.ecs.send(new DeregisterContainerInstanceCommand(input))).rejects.toThrow('running tasks');
    await on.ecs.send(new DeregisterContainerInstanceCommand({ ...input, force: true }));
    expect((await acs.closed).code).toBe(1000);
    const refused = await agent.acs().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RefusedError);
    expect(refused).toMatchObject({
      status: 400,
      body: expect.stringContaining('InactiveInstanceException'),
    });
    expect((await describeTask(on.ecs, arn)).lastStatus).toBe('STOPPED');
    const { taskArns } = await on.ecs.send(new ListTasksCommand({ cluster: 'c' }));
    expect(taskArns).toEqual([]);
  });

  test.each([
    [
      'a wrong key',
      { keys: { accessKeyId: 'test', secretAccessKey: 'x' } },
      403,
      'InvalidSignatureException',
    ],
    ['another cluster', { cluster: 'd' }, 400, 'InvalidClusterException'],
  ])('is refused with %s', async (_name, query, status, text) => {
    const { on, agent } = await scene();
    await using _ = on;
    await expect(agent.acs(query)).rejects.toMatchObject({ status, body: expect.stringContaining(text) });
  });

  test('of an unknown instance is refused with InvalidInstanceException', async () => {
    const { on, agent, acs } = await scene();
    await using _ = on;
    const url = new URL(acs.url);
    url.searchParams.set('containerInstanceArn', `${agent.arn}x`);
    await expect(open(url)).rejects.toMatchObject({
      status: 400,
      body: expect.stringContaining('InvalidInstanceException'),
    });
  });

  test('survives frames that mean nothing', async () => {
    const { on, acs } = await scene();
    await using _ = on;
    acs.socket.send('not json');
    acs.send('Unheard', {});
    acs.send('AckRequest', { messageId: 'unknown' });
    await run(on.ecs);
    await acs.next('PayloadMessage');
  });
});

test('a restart of the control plane keeps tasks, and what was not acked', async () => {
  const { on, agent } = await scene();
  await using _ = on;
  const arn = await run(on.ecs);
  await on.controlPlane.close();
  await using again = await stage({ stateDirectory: on.stateDirectory, port: on.controlPlane.port });
  const acs = await agent.acs();
  const { message } = await acs.next('PayloadMessage');
  expect(message.tasks).toMatchObject([{ arn, desiredStatus: 'RUNNING' }]);
  expect((await describeTask(again.ecs, arn)).lastStatus).toBe('PENDING');
});
