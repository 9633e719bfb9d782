import { describe, expect, it } from 'vitest';
import { AcsWorld, ADDRESS, CLUSTER, INSTANCE, taskArnOf, wireCredentials, wireTask } from './acs-world.ts';
import { settle } from './manual-clock.ts';

const ACK = { cluster: CLUSTER, containerInstance: INSTANCE, messageId: 'm-1' };

describe('HeartbeatMessage', () => {
  it('is answered with its own id (ACS-12)', async () => {
    const w = await new AcsWorld().start();
    await w.send('HeartbeatMessage', { healthy: true, messageId: 'hb-88213' });
    expect(w.server.connection.messages()).toEqual([
      { type: 'HeartbeatAckRequest', message: { messageId: 'hb-88213' } },
    ]);
  });

  it('starts the health checks, whatever becomes of them (ACS-13)', async () => {
    const w = await new AcsWorld().start();
    w.heartbeatError = new Error('checks are broken');
    await w.send('HeartbeatMessage', { messageId: 'hb-1' });
    expect(w.events).toContain('heartbeat');
    expect(w.sentTypes()).toEqual(['HeartbeatAckRequest']);
  });

  it('has members left out of the answer rather than null (ACS-11)', async () => {
    const w = await new AcsWorld().start();
    await w.send('HeartbeatMessage', { messageId: null });
    expect(w.server.connection.sent).toEqual(['{"type":"HeartbeatAckRequest","message":{}}']);
  });
});

describe('IAMRoleCredentialsMessage', () => {
  const message = (more: object = {}) => ({
    messageId: 'cr-5',
    taskArn: taskArnOf('a1'),
    roleType: 'TaskApplication',
    roleCredentials: wireCredentials('c-1'),
    ...more,
  });

  it('renews the credentials of a known task and is acked with their expiration (ACS-36, ACS-78)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([wireTask('a1', { roleCredentials: wireCredentials('c-1') })]);
    const renewed = { ...wireCredentials('c-1'), accessKeyId: 'AKIDNEW', expiration: 'when it ends' };
    await w.send('IAMRoleCredentialsMessage', message({ roleCredentials: renewed }));
    expect(w.credentials.get('c-1')?.accessKeyId).toBe('AKIDNEW');
    expect(w.server.connection.messages().at(-1)).toEqual({
      type: 'IAMRoleCredentialsAckRequest',
      message: { messageId: 'cr-5', credentialsId: 'c-1', expiration: 'when it ends' },
    });
  });

  it('is neither kept nor acked for an unknown task (ACS-37)', async () => {
    const w = await new AcsWorld().start();
    await w.send('IAMRoleCredentialsMessage', message());
    expect(w.server.connection.sent).toEqual([]);
    expect(w.credentials.get('c-1')).toBeUndefined();
  });

  it.each([
    ['an unknown role type (ACS-79)', { roleType: 'Admin' }],
    ['no credentialsId (ACS-80)', { roleCredentials: { ...wireCredentials(''), credentialsId: undefined } }],
    ['an empty credentialsId (ACS-80)', { roleCredentials: wireCredentials('') }],
    ['no messageId', { messageId: '' }],
    ['no credentials', { roleCredentials: null }],
  ])('is not acked with %s', async (_, fault) => {
    const w = await new AcsWorld().start();
    await w.sendPayload([wireTask('a1')]);
    await w.send('IAMRoleCredentialsMessage', message(fault));
    expect(w.sentTypes()).toEqual(['AckRequest']);
  });
});

describe('TaskManifestMessage', () => {
  const entry = (id: string, desiredStatus = 'RUNNING') => ({ taskArn: taskArnOf(id), desiredStatus });
  const manifest = (timeline: number, tasks: readonly object[] = [], messageId = 'm-1') => ({
    ...ADDRESS,
    messageId,
    timeline,
    tasks,
  });

  it.each([61, 62])('with number %i is dropped when 62 was seen (ACS-38, ACS-81)', async (timeline) => {
    const w = await new AcsWorld(62).start();
    await w.sendPayload([wireTask('a1')]);
    await w.send('TaskManifestMessage', manifest(timeline));
    expect(w.sentTypes()).toEqual(['AckRequest']);
    expect(w.persisted).toEqual([]);
  });

  it('with a greater number is acked once that is on the disk (ACS-39, ACS-82)', async () => {
    const w = await new AcsWorld(62).start();
    await w.send('TaskManifestMessage', manifest(63));
    expect(w.persisted).toEqual([63]);
    expect(w.server.connection.messages()).toEqual([{ type: 'AckRequest', message: ACK }]);
  });

  it('is not acked while its number cannot be stored, and counts when it comes again', async () => {
    const w = await new AcsWorld(62).start();
    w.persistError = new Error('disk full');
    await w.send('TaskManifestMessage', manifest(63));
    expect(w.server.connection.sent).toEqual([]);
    w.persistError = undefined;
    await w.send('TaskManifestMessage', manifest(63));
    expect(w.sentTypes()).toEqual(['AckRequest']);
  });

  it('has tasks that are not listed as RUNNING named as candidates (ACS-40)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload(['a1', 'a2', 'a3', 'a4'].map((id) => wireTask(id)));
    await w.sendPayload([wireTask('a4', { desiredStatus: 'STOPPED' })]);
    await w.send(
      'TaskManifestMessage',
      manifest(9, [entry('a1'), entry('a2', 'STOPPED'), entry('zz')], 'mf'),
    );
    expect(w.server.connection.messages('TaskStopVerificationMessage')).toEqual([
      {
        type: 'TaskStopVerificationMessage',
        message: {
          messageId: 'mf',
          stopCandidates: ['a2', 'a3'].map((id) => ({
            taskArn: taskArnOf(id),
            taskClusterArn: CLUSTER,
            desiredStatus: 'STOPPED',
          })),
        },
      },
    ]);
  });

  it('has no verification message without candidates (ACS-41)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([wireTask('a1')]);
    await w.send('TaskManifestMessage', manifest(9, [entry('a1')]));
    expect(w.sentTypes()).toEqual(['AckRequest', 'AckRequest']);
  });

  it('stops nothing by itself (ACS-42)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([wireTask('a1')]);
    await w.send('TaskManifestMessage', manifest(9));
    expect(w.intake.stopped).toEqual([]);
    await w.send('TaskStopVerificationAck', { messageId: 'm-1', stopTasks: [entry('a1')] });
    expect(w.intake.stopped).toEqual([taskArnOf('a1')]);
  });

  it('is compared with the numbers of payloads, too (ACS-44)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([], { seqNum: 70 });
    await w.sendPayload([], { seqNum: 8 });
    await w.send('TaskManifestMessage', manifest(70));
    expect(w.sentTypes()).toEqual(['AckRequest', 'AckRequest']);
    await w.send('TaskManifestMessage', manifest(71));
    expect(w.sentTypes()).toHaveLength(3);
  });

  it('is confirmed once, by its own id, for tasks that are known (ACS-43, ACS-83)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([wireTask('a1'), wireTask('a2')]);
    await w.send('TaskManifestMessage', manifest(9, [], 'mf-9'));
    const confirm = (messageId: string, ...ids: string[]) =>
      w.send('TaskStopVerificationAck', { messageId, stopTasks: ids.map((id) => entry(id)) });
    await confirm('another', 'a1');
    await confirm('', 'a1');
    expect(w.intake.stopped).toEqual([]);
    await confirm('mf-9', 'a1', 'stranger');
    await confirm('mf-9', 'a2');
    expect(w.intake.stopped).toEqual([taskArnOf('a1')]);
  });
});

describe('messages about attachments', () => {
  const eni = {
    attachmentArn: 'arn:aws:ecs:us-west-2:123456789012:attachment/3b1e',
    ec2Id: 'eni-1',
    macAddress: '02:1f:aa:bb:cc:dd',
    ipv4Addresses: [{ primary: true, privateAddress: '10.0.12.34' }],
    subnetGatewayIpv4Address: '10.0.12.1/24',
  };
  const attach = {
    ...ADDRESS,
    taskArn: taskArnOf('a1'),
    waitTimeoutMs: 300_000,
    elasticNetworkInterfaces: [eni],
  };
  const confirm = {
    ...ADDRESS,
    attachment: {
      attachmentArn: 'arn:aws:ecs:us-west-2:123456789012:attachment/5d5d',
      attachmentType: 'amazonebs',
      attachmentProperties: Object.entries({
        volumeId: 'vol-1',
        volumeSizeGib: '20',
        deviceName: '/dev/xvdba',
        sourceVolumeHostPath: 'bb22_vol-1',
        volumeName: 'data',
      }).map(([name, value]) => ({ name, value })),
    },
  };
  const without = (name: string) => ({
    ...confirm,
    attachment: {
      ...confirm.attachment,
      attachmentProperties: confirm.attachment.attachmentProperties.filter((one) => one.name !== name),
    },
  });
  const INVALID = /^invalid .*attachment; dropped$/;

  it.each([['ConfirmAttachmentMessage', confirm]])(
    '%s is valid, not acked, and warned about once',
    async (type, message) => {
      const w = await new AcsWorld().start();
      await w.send(type, message);
      await w.send(type, message);
      expect(w.server.connection.sent).toEqual([]);
      const levels = w.logged.filter(({ msg }) => msg.includes('not supported')).map(({ level }) => level);
      expect(levels).toEqual([40, 20]);
    },
  );

  const ack = { type: 'AckRequest', message: ACK };

  it('an attach message is acked once it is durable, each time that it comes (ACS-45, ACS-48, NET-28)', async () => {
    const w = await new AcsWorld().start();
    const { promise, resolve } = Promise.withResolvers<void>();
    w.attachments.gate = promise;
    await w.send('AttachTaskNetworkInterfacesMessage', attach);
    expect(w.server.connection.sent).toEqual([]);
    resolve();
    await settle();
    expect(w.server.connection.messages()).toMatchObject([ack]);
    await w.send('AttachTaskNetworkInterfacesMessage', attach);
    expect(w.server.connection.messages()).toMatchObject([ack, ack]);
    expect(w.attachments.accepted[0]).toEqual([
      {
        arn: eni.attachmentArn,
        task: taskArnOf('a1'),
        macAddress: '02:1f:aa:bb:cc:dd',
        expiresAt: w.clock.now() + 300_000,
        isReported: false,
      },
    ]);
  });

  it("an attach message for the instance's own ENI names no task", async () => {
    const w = await new AcsWorld().start();
    const { taskArn: _, ...ofInstance } = attach;
    await w.send('AttachInstanceNetworkInterfacesMessage', ofInstance);
    expect(w.server.connection.messages()).toMatchObject([ack]);
    expect(w.attachments.accepted[0]?.[0]).not.toHaveProperty('task');
  });

  it('an attach message is not acked where it cannot be stored, nor where ENIs are not taken', async () => {
    const full = await new AcsWorld().start();
    full.attachments.failure = new Error('disk full');
    await full.send('AttachTaskNetworkInterfacesMessage', attach);
    expect(full.server.connection.sent).toEqual([]);
    const without = await new AcsWorld(0, {}, { takesEnis: false }).start();
    await without.send('AttachTaskNetworkInterfacesMessage', attach);
    await without.send('AttachTaskNetworkInterfacesMessage', attach);
    expect(without.server.connection.sent).toEqual([]);
    const warned = without.logged.filter(({ msg }) => msg.includes('ECS_ENABLE_TASK_ENI is off'));
    expect(warned.map(({ level }) => level)).toEqual([40, 20]);
  });

  it.each([
    ['an ENI without MAC address (ACS-84)', { elasticNetworkInterfaces: [eni, { ...eni, macAddress: '' }] }],
    ['an ENI without attachmentArn', { elasticNetworkInterfaces: [{ ...eni, attachmentArn: '' }] }],
    ['no ENI (ACS-84)', { elasticNetworkInterfaces: [] }],
    ['a null ENI (ACS-84)', { elasticNetworkInterfaces: [null] }],
    ['no waitTimeoutMs (ACS-85)', { waitTimeoutMs: undefined }],
    ['waitTimeoutMs 0 (ACS-85)', { waitTimeoutMs: 0 }],
    ['no taskArn', { taskArn: '' }],
    ['no messageId', { messageId: undefined }],
  ])('an attach message with %s is invalid, not acked and not taken in (NET-82)', async (_, fault) => {
    const w = await new AcsWorld().start();
    await w.send('AttachTaskNetworkInterfacesMessage', { ...attach, ...fault });
    expect(w.server.connection.sent).toEqual([]);
    expect(w.attachments.accepted).toEqual([]);
    expect(w.logged.filter(({ msg }) => INVALID.test(msg))).toHaveLength(1);
  });

  it.each([
    ['a cluster name instead of an ARN (ACS-52)', { ...confirm, clusterArn: 'default' }],
    ['no attachment', { ...confirm, attachment: undefined }],
    ['no volumeId (ACS-88)', without('volumeId')],
    ['no volumeSizeGib (ACS-88)', without('volumeSizeGib')],
    ['no deviceName (ACS-88)', without('deviceName')],
    ['no sourceVolumeHostPath (ACS-88)', without('sourceVolumeHostPath')],
    ['no volumeName (ACS-88)', without('volumeName')],
  ])('a confirm message with %s is invalid and not acked', async (_, message) => {
    const w = await new AcsWorld().start();
    await w.send('ConfirmAttachmentMessage', message);
    expect(w.server.connection.sent).toEqual([]);
    expect(w.logged.filter(({ msg }) => INVALID.test(msg))).toHaveLength(1);
  });
});

describe('other messages', () => {
  it.each(['StageUpdateMessage', 'PerformUpdateMessage'])(
    '%s is refused at once, and it alone by a nack (ACS-54, OBS-30)',
    async (type) => {
      const w = await new AcsWorld().start();
      await w.send(type, {
        ...ADDRESS,
        messageId: 'u-17',
        updateInfo: { location: 'https://s3.amazonaws.com/example/agent.tar', signature: '9f86' },
      });
      expect(w.server.connection.messages()).toEqual([
        {
          type: 'NackRequest',
          message: {
            cluster: CLUSTER,
            containerInstance: INSTANCE,
            messageId: 'u-17',
            reason: 'Updates are disabled',
          },
        },
      ]);
    },
  );

  it.each(['CloseMessage', 'ErrorMessage'])(
    '%s is not answered and does not end the session (ACS-53, ACS-89, OBS-38)',
    async (type) => {
      const w = await new AcsWorld().start();
      await w.send(type, { message: 'ConnectionExpired: Reconnect to continue' });
      await w.clock.advance(30_000);
      expect(w.server.connection.sent).toEqual([]);
      expect(w.server.connection.deeds).toEqual([]);
      expect(w.server.attempts).toBe(1);
    },
  );

  it.each(['AccessDeniedException', 'InactiveInstanceException', 'ServerException'])(
    '%s inside a session changes nothing',
    async (type) => {
      const w = await new AcsWorld().start();
      await w.send(type, { message: 'no' });
      expect(w.session.state.connected).toBe(true);
      expect(w.events).not.toContain('inactive');
    },
  );
});
