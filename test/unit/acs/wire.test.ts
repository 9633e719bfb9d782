import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePayloadTask } from '../../../src/acs/payload-task.ts';
import { describeRefusal, encodeAgentMessage, parseFrame } from '../../../src/wire/acs.ts';
import { sessionUrl } from '../../../src/wire/session-url.ts';
import { AcsWorld, ADDRESS, CLUSTER, wireTask } from './acs-world.ts';
import { settle } from './manual-clock.ts';

describe('parseFrame', () => {
  it.each([
    ['not JSON', '{"type":'],
    ['an array', '[]'],
    ['a text', '"PayloadMessage"'],
    ['null', 'null'],
    ['no type', '{"message":{}}'],
    ['a type that is no text', '{"type":7}'],
    ['a message that is no object', '{"type":"PayloadMessage","message":"x"}'],
    ['a member of the wrong kind', '{"type":"TaskManifestMessage","message":{"timeline":"62"}}'],
    ['an error of unknown name', '{"FancyException":"x"}'],
    ['an error whose text is none', '{"ServerException":7}'],
    ['two errors', '{"ServerException":"x","BadRequestException":"y"}'],
  ])('finds %s malformed', (_, text) => {
    expect(parseFrame(text).kind).toBe('malformed');
  });

  it.each(['newMessage', 'payloadMessage', 'toString', '__proto__', 'constructor', ''])(
    'takes no message of the type %j for known',
    (type) => {
      expect(parseFrame(JSON.stringify({ type, message: {} }))).toEqual({ kind: 'unknown', type });
    },
  );

  it('reads the one-member error form (ACS-22)', () => {
    expect(parseFrame('{"InactiveInstanceException":"gone"}')).toEqual({
      kind: 'error',
      name: 'InactiveInstanceException',
      text: 'gone',
    });
  });

  it('takes null and absent members for the same', () => {
    const absent = parseFrame('{"type":"PayloadMessage","message":{}}');
    const nulls = parseFrame(
      '{"type":"PayloadMessage","message":{"messageId":null,"tasks":null,"seqNum":null}}',
    );
    expect([absent.kind, nulls.kind]).toEqual(['message', 'message']);
  });

  it('never throws, whatever comes (ACS-23)', () => {
    const types = fc.constantFrom(
      'PayloadMessage',
      'TaskManifestMessage',
      'HeartbeatMessage',
      'ErrorMessage',
      'X',
    );
    const frames = fc.oneof(
      fc.string(),
      fc.json(),
      fc.record({ type: types, message: fc.jsonValue() }).map((frame) => JSON.stringify(frame)),
    );
    fc.assert(
      fc.property(frames, (text) => {
        const frame = parseFrame(text);
        expect(['message', 'unknown', 'error', 'malformed']).toContain(frame.kind);
        describeRefusal(text);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('parsePayloadTask', () => {
  /** A good task with one member, at any depth, replaced by anything. */
  const mutated = fc
    .tuple(fc.nat(), fc.jsonValue())
    .map(([pick, value]) => replaceOne(structuredClone(RICH_TASK), pick, value));

  it('never throws, whatever stands in for a member', () => {
    fc.assert(
      fc.property(mutated, (task) => {
        expect(['task', 'invalid', 'nameless']).toContain(parsePayloadTask(task, CLUSTER).kind);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('the session', () => {
  it('lives on through any messages and answers the next heartbeat (ACS-23, ACS-74)', async () => {
    const types = fc.constantFrom(
      'PayloadMessage',
      'TaskManifestMessage',
      'TaskStopVerificationAck',
      'IAMRoleCredentialsMessage',
      'AttachTaskNetworkInterfacesMessage',
      'ConfirmAttachmentMessage',
      'StageUpdateMessage',
      'NewMessage',
    );
    const members = fc.dictionary(
      fc.constantFrom(
        'messageId',
        'clusterArn',
        'tasks',
        'timeline',
        'roleCredentials',
        'attachment',
        'stopTasks',
      ),
      fc.jsonValue({ maxDepth: 3 }),
    );
    const texts = fc.oneof(
      fc.string(),
      fc
        .tuple(types, members)
        .map(([type, message]) =>
          JSON.stringify({ type, message: { ...ADDRESS, taskArn: 'arn', ...message } }),
        ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(texts, { maxLength: 20 }), async (frames) => {
        const w = await new AcsWorld().start();
        for (const frame of frames) w.server.connection.receiveText(frame);
        await settle();
        await w.send('HeartbeatMessage', { messageId: 'still here' });
        expect(w.server.connection.messages('HeartbeatAckRequest').at(-1)?.message).toEqual({
          messageId: 'still here',
        });
        expect(w.server.attempts).toBe(1);
        await w.session.stop();
      }),
      { numRuns: 100 },
    );
  });
});

describe('encodeAgentMessage', () => {
  it('leaves out what is absent (ACS-11)', () => {
    const message = { cluster: null, containerInstance: undefined, messageId: 'm' };
    expect(encodeAgentMessage({ type: 'AckRequest', message })).toBe(
      '{"type":"AckRequest","message":{"messageId":"m"}}',
    );
  });
});

describe('sessionUrl', () => {
  it.each([
    ['https://ecs-a-3.eu-west-1.amazonaws.com', 'wss://ecs-a-3.eu-west-1.amazonaws.com/ws?a=1'],
    ['https://ecs-a-3.eu-west-1.amazonaws.com/', 'wss://ecs-a-3.eu-west-1.amazonaws.com/ws?a=1'],
    ['http://127.0.0.1:43213/acs/', 'ws://127.0.0.1:43213/acs/ws?a=1'],
    ['http://127.0.0.1:43213/acs', 'ws://127.0.0.1:43213/acs/ws?a=1'],
  ])('turns %s into %s (ACS-04, ACS-66)', (endpoint, url) => {
    expect(sessionUrl(endpoint, { a: '1' }).href).toBe(url);
  });

  it('refuses another scheme', () => {
    expect(() => sessionUrl('ftp://h/', {})).toThrow('neither http nor https');
  });

  it('sorts its query, encodes it as SigV4 wants it and leaves out what is undefined', () => {
    const url = sessionUrl('http://h', { b: 'a:b/c d+e*', B: '1', a: undefined });
    expect(url.search).toBe('?B=1&b=a%3Ab%2Fc%20d%2Be%2A');
  });
});

const RICH_TASK: Record<string, unknown> = {
  ...wireTask('a1'),
  cpu: 0.5,
  memory: 64,
  volumes: [{ name: 'v', type: 'host', host: { sourcePath: '/srv' } }],
  roleCredentials: { credentialsId: 'c', roleArn: 'r', expiration: 'e' },
  attachments: [{ attachmentType: 's3files', attachmentProperties: [{ name: 'volumeId', value: 'v' }] }],
  elasticNetworkInterfaces: [
    { ec2Id: 'eni', macAddress: '02', ipv4Addresses: [{ privateAddress: '10.0.0.1' }] },
  ],
  proxyConfiguration: { type: 'APPMESH', containerName: 'p' },
  containers: [
    {
      name: 'app',
      image: 'busybox',
      command: ['a'],
      environment: { A: '1' },
      portMappings: [{ containerPort: 80, hostPort: 0, protocol: 'tcp' }],
      dependsOn: [{ containerName: 'b', condition: 'START' }],
      registryAuthentication: { type: 'ecr', ecrAuthData: { region: 'r' } },
      overrides: '{"command":["x"]}',
      dockerConfig: {
        version: '1',
        config: '{"User":"1"}',
        hostConfig: '{"CapAdd":[],"LogConfig":{"Type":"none"}}',
      },
    },
  ],
};

/** Replaces the n-th place of a JSON value, counted over all of its members. */
function replaceOne(value: unknown, pick: number, replacement: unknown): unknown {
  const places: (() => void)[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, child] of Object.entries(node)) {
      places.push(() => Object.assign(node, { [key]: replacement }));
      visit(child);
    }
  };
  visit(value);
  places[pick % places.length]?.();
  return value;
}
