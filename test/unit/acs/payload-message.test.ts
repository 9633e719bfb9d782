import { describe, expect, it } from 'vitest';
import { AcsWorld, ADDRESS, CLUSTER, INSTANCE, taskArnOf, wireCredentials, wireTask } from './acs-world.ts';
import { settle } from './manual-clock.ts';

const ACK = { cluster: CLUSTER, containerInstance: INSTANCE, messageId: 'm-1' };
const BAD_TASK = wireTask('bad', { desiredStatus: 'SLEEPING' });

describe('PayloadMessage', () => {
  it.each(['messageId', 'clusterArn', 'containerInstanceArn'])(
    'is dropped without %s (ACS-25, OBS-37)',
    async (member) => {
      const w = await new AcsWorld().start();
      await w.sendPayload([wireTask('a1')], { [member]: undefined });
      await w.sendPayload([wireTask('a1')], { [member]: '' });
      expect(w.intake.accepted).toEqual([]);
      expect(w.server.connection.sent).toEqual([]);
    },
  );

  it('is acked with its address verbatim (ACS-26)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([wireTask('a1'), wireTask('a2')], { clusterArn: 'as it came' });
    expect(w.server.connection.messages()).toEqual([
      { type: 'AckRequest', message: { ...ACK, cluster: 'as it came' } },
    ]);
    expect(w.intake.desiredRunning()).toEqual([taskArnOf('a1'), taskArnOf('a2')]);
  });

  it('is acked only after its tasks are stored (ACS-27, OBS-25)', async () => {
    const w = await new AcsWorld().start();
    const stored = Promise.withResolvers<void>();
    w.intake.gate = stored.promise;
    await w.sendPayload([wireTask('a1')]);
    expect(w.intake.accepted).toHaveLength(1);
    expect(w.server.connection.sent).toEqual([]);
    stored.resolve();
    await settle();
    expect(w.sentTypes()).toEqual(['AckRequest']);
  });

  it('is not acked when its tasks cannot be stored', async () => {
    const w = await new AcsWorld().start();
    w.intake.failure = new Error('disk full');
    await w.sendPayload([wireTask('a1', { roleCredentials: wireCredentials('c-1') })]);
    expect(w.server.connection.sent).toEqual([]);
    expect(w.credentials.get('c-1')).toBeUndefined();
    w.intake.failure = undefined;
    await w.sendPayload([wireTask('a1')]);
    expect(w.sentTypes()).toEqual(['AckRequest']);
  });

  it('has each of its credential sets stored and acked under its own id (ACS-28)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([
      wireTask('a1', {
        roleCredentials: wireCredentials('c-1'),
        executionRoleCredentials: wireCredentials('c-2'),
      }),
    ]);
    const expiration = '2026-11-22T21:00:00.000Z';
    expect(w.server.connection.messages('IAMRoleCredentialsAckRequest')).toEqual([
      {
        type: 'IAMRoleCredentialsAckRequest',
        message: { messageId: 'm-1', credentialsId: 'c-1', expiration },
      },
      {
        type: 'IAMRoleCredentialsAckRequest',
        message: { messageId: 'm-1', credentialsId: 'c-2', expiration },
      },
    ]);
    expect(w.credentials.ofTask(taskArnOf('a1'), 'TaskApplication')?.credentialsId).toBe('c-1');
    expect(w.credentials.ofTask(taskArnOf('a1'), 'TaskExecution')?.credentialsId).toBe('c-2');
    expect(w.intake.accepted[0]?.[0]?.spec).toMatchObject({
      taskCredentialsId: 'c-1',
      executionCredentialsId: 'c-2',
    });
  });

  it('has the credentials there before the task is taken in', async () => {
    const w = await new AcsWorld().start();
    w.intake.gate = Promise.withResolvers<void>().promise;
    await w.sendPayload([wireTask('a1', { roleCredentials: wireCredentials('c-1') })]);
    expect(w.credentials.get('c-1')?.accessKeyId).toBe('AKIDEXAMPLE');
  });

  it('has the credentials of a task to stop acked too (OBS-27)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([
      wireTask('a1', { desiredStatus: 'STOPPED', roleCredentials: wireCredentials('c-1') }),
    ]);
    expect(w.sentTypes()).toEqual(['AckRequest', 'IAMRoleCredentialsAckRequest']);
  });

  it('is not acked when one of its tasks is invalid, nor are its credentials (ACS-29, OBS-31, ENG-31)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([wireTask('a1', { roleCredentials: wireCredentials('c-1') }), BAD_TASK]);
    expect(w.server.connection.sent).toEqual([]);
  });

  it('has its invalid task reported with the known prefix (ACS-30, OBS-32, ENG-32)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([BAD_TASK]);
    expect(w.intake.rejected).toEqual([
      {
        arn: taskArnOf('bad'),
        reason: 'UnrecogniedTaskError: Error loading task - desired status SLEEPING is unknown',
      },
    ]);
  });

  it('has its valid tasks started beside an invalid one (ACS-76, OBS-33)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([BAD_TASK, wireTask('a1'), null]);
    expect(w.intake.desiredRunning()).toEqual([taskArnOf('a1')]);
    expect(w.server.connection.sent).toEqual([]);
  });

  it('is acked when a task lacks nothing but its ARN, which is not run (ACS-92, OBS-34)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([wireTask('x', { arn: undefined }), wireTask('a1')]);
    expect(w.sentTypes()).toEqual(['AckRequest']);
    expect(w.intake.desiredRunning()).toEqual([taskArnOf('a1')]);
    expect(w.intake.rejected).toEqual([]);
  });

  it('is acked again for every copy and starts its task once (ACS-77, OBS-28)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([wireTask('a1')]);
    await w.sendPayload([wireTask('a1')]);
    expect(w.sentTypes()).toEqual(['AckRequest', 'AckRequest']);
    expect(w.intake.tasks.size).toBe(1);
  });

  it.each([[[]], [undefined], [null]])('is acked with the task list %j (ACS-35, OBS-36)', async (tasks) => {
    const w = await new AcsWorld().start();
    await w.send('PayloadMessage', { ...ADDRESS, tasks });
    expect(w.server.connection.messages()).toEqual([{ type: 'AckRequest', message: ACK }]);
  });

  it('is taken whatever its number (OBS-29)', async () => {
    const w = await new AcsWorld(50).start();
    await w.sendPayload([wireTask('a1')], { seqNum: 3 });
    expect(w.sentTypes()).toEqual(['AckRequest']);
  });

  it('passes over members that it does not know (ACS-61)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([wireTask('a1', { newMember: { deep: [1] } })], { timeline: 5, novelty: true });
    expect(w.sentTypes()).toEqual(['AckRequest']);
    expect(w.intake.accepted[0]?.[0]?.spec.unsupported).toEqual([]);
  });
});
