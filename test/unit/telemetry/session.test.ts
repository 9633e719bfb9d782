import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { settle } from '../acs/manual-clock.ts';
import { INSTANCE, TelemetryWorld } from './telemetry-world.ts';

const MINUTE = 60_000;
const EXPIRED = 'close 1000 ConnectionExpired: Reconnect to continue';

describe('the TCS upgrade', () => {
  it('names cluster and instance and no runtime version (TCS-01, TCS-02, OBS-50)', async () => {
    const w = await new TelemetryWorld().start();
    const { url } = w.server.connection;
    expect(url.href.split('?')[0]).toBe('ws://127.0.0.1:1/tcs/ws');
    expect([...url.searchParams]).toEqual([
      ['agentHash', '00000000'],
      ['agentVersion', '0.1.0'],
      ['cluster', 'peer'],
      ['containerInstance', INSTANCE],
    ]);
  });

  it('waits for a telemetry endpoint when there is none', async () => {
    const w = new TelemetryWorld();
    w.telemetry = undefined;
    await w.start();
    expect(w.session.state.lastError).toContain('no telemetry endpoint');
    w.telemetry = 'http://127.0.0.1:1/';
    await w.clock.advance(1_000);
    expect(w.session.state.connected).toBe(true);
  });
});

describe('metrics cycles', () => {
  it('begin at once with the idle message (TCS-12, TCS-13, OBS-54)', async () => {
    const w = await new TelemetryWorld().start();
    expect(w.sent('PublishMetricsRequest')).toEqual([
      {
        metadata: {
          cluster: 'peer',
          containerInstance: INSTANCE,
          messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          idle: true,
          fin: true,
        },
        timestamp: w.startedAt / 1000,
      },
    ]);
  });

  it('are bare of tasks and signed frames in front of JSON (TCS-06, TCS-13)', async () => {
    const w = await new TelemetryWorld().start();
    const [text] = w.server.connection.sent;
    expect(text).toMatch(
      /^Authorization: signed\r\nHost: 127.0.0.1:1\r\n\r\n\{"type":"PublishMetricsRequest"/,
    );
    expect(text).not.toContain('taskMetrics');
    expect(text).not.toContain('null');
    await w.pass(MINUTE);
    expect(w.server.connection.sent.join()).not.toContain('StartTelemetrySession');
  });

  it('come every 20 s on a clock that starts with the agent (TCS-43, OBS-57)', async () => {
    const w = new TelemetryWorld();
    w.server.refusal = new Error('refused');
    await w.start();
    await w.clock.advance(7_000);
    w.server.refusal = undefined;
    await w.clock.advance(8_000);
    await w.pass(46_000);
    const times = w.sent('PublishMetricsRequest').map(({ timestamp }) => timestamp);
    expect(times).toEqual([0, 20, 40, 60].map((seconds) => w.startedAt / 1000 + seconds));
  });

  it('send nothing while tasks run and nothing was measured (TCS-47, OBS-55)', async () => {
    const w = new TelemetryWorld();
    w.cycle = [];
    await w.start();
    await w.pass(MINUTE);
    expect(w.sent('PublishMetricsRequest')).toEqual([]);
    w.cycle = 'idle';
    await w.pass(20_000);
    expect(w.sent('PublishMetricsRequest')).toHaveLength(1);
  });

  it('get no message of their own from a reconnect (OBS-56)', async () => {
    const w = await new TelemetryWorld().start();
    w.server.connection.closedByServer(1000);
    await settle();
    expect(w.server.connections).toHaveLength(2);
    expect(w.server.connection.sent).toEqual([]);
  });

  it('wait for a connection, 15 of them, with their own times; newer ones are dropped (TCS-36, TCS-61)', async () => {
    const w = new TelemetryWorld();
    w.server.refusal = new Error('refused');
    await w.start();
    await w.clock.advance(20 * 20_000);
    w.server.refusal = undefined;
    await w.clock.advance(72_000);
    const sent = w.sent('PublishMetricsRequest');
    const kept = sent.slice(0, 15).map(({ timestamp }) => timestamp);
    expect(kept).toEqual(Array.from({ length: 15 }, (_, n) => w.startedAt / 1000 + 20 * n));
    expect(new Set(sent.map(({ metadata }) => JSON.stringify(metadata))).size).toBe(sent.length);
  });

  it('go on after a send or a signature that failed (TCS-40)', async () => {
    const w = await new TelemetryWorld().start();
    w.signError = new Error('no credentials');
    await w.pass(20_000);
    w.signError = undefined;
    w.server.connection.sendError = new Error('broken pipe');
    await w.pass(20_000);
    w.server.connection.sendError = undefined;
    await w.pass(20_000);
    const times = w.sent('PublishMetricsRequest').map(({ timestamp }) => timestamp);
    expect(times).toEqual([0, 60].map((seconds) => w.startedAt / 1000 + seconds));
  });

  it('have times in seconds with three decimals at most (TCS-14)', async () => {
    const w = new TelemetryWorld();
    await w.clock.advance(123.4567);
    await w.start();
    expect(w.sent('PublishMetricsRequest')[0]?.timestamp).toBe(w.startedAt / 1000 + 0.123);
  });
});

describe('what the server sends', () => {
  it('is not answered when it is a heartbeat (TCS-07)', async () => {
    const w = await new TelemetryWorld().start();
    const before = w.server.connection.sent.length;
    w.server.connection.receive('HeartbeatMessage', { healthy: true });
    await settle();
    expect(w.server.connection.sent).toHaveLength(before);
  });

  it.each([
    '{"type":"NewMessage","message":{}}',
    '{"type":"AckPublishMetric","message":7}',
    'noise',
    '[]',
    '{"type":"ServerException","message":{"message":"try again"}}',
    '{"type":"ResourceValidationException","message":{"message":"no"}}',
    '{"InvalidParameterException":"no"}',
    '{"type":"StopTelemetrySessionMessage","message":{"message":"session expired"}}',
  ])('%s does not end the session (TCS-38, TCS-39)', async (text) => {
    const w = await new TelemetryWorld().start();
    w.server.connection.receiveText(text);
    await w.clock.advance(20_000);
    expect(w.server.connection.deeds).toEqual([]);
    expect(w.sent('PublishMetricsRequest')).toHaveLength(2);
  });
});

describe('timers of the TCS session', () => {
  it.each([
    [0, MINUTE],
    [0.5, 1.5 * MINUTE],
  ])(
    'close a silent connection with code 1000 and come back at once (TCS-08, TCS-41)',
    async (random, limit) => {
      const w = new TelemetryWorld();
      w.random = random;
      await w.start();
      await w.clock.advance(limit - 1);
      expect(w.server.connection.deeds).toEqual([]);
      await w.clock.advance(1);
      expect(w.server.connections[0]?.deeds).toEqual([EXPIRED]);
      expect(w.server.attempts).toBe(2);
    },
  );

  it.each(['HeartbeatMessage', 'AckPublishMetric', 'AckPublishHealth', 'AckPublishInstanceStatus'])(
    'are restarted by %s (TCS-08)',
    async (type) => {
      const w = await new TelemetryWorld().start();
      await w.clock.advance(MINUTE - 1);
      w.server.connection.receive(type);
      await w.clock.advance(MINUTE - 1);
      expect(w.server.connection.deeds).toEqual([]);
    },
  );

  it.each(['ServerException', 'StopTelemetrySessionMessage', 'NewMessage'])(
    'are not restarted by %s (TCS-08)',
    async (type) => {
      const w = await new TelemetryWorld().start();
      await w.clock.advance(MINUTE - 1);
      w.server.connection.receive(type);
      await w.clock.advance(1);
      expect(w.server.connections[0]?.deeds).toEqual([EXPIRED]);
    },
  );

  it.each([
    [0, 30 * MINUTE],
    [0.9, 34.5 * MINUTE],
  ])('close an aged connection and come back at once (TCS-09, TCS-42)', async (random, age) => {
    const w = new TelemetryWorld();
    w.random = random;
    await w.start();
    await w.pass(age - 1);
    expect(w.server.connection.deeds).toEqual([]);
    await w.clock.advance(1);
    expect(w.server.connections[0]?.deeds).toEqual([EXPIRED]);
    expect(w.server.attempts).toBe(2);
  });

  it.each([1000, 1001, 1006, 1011])('reconnect without delay after code %i (TCS-11)', async (code) => {
    const w = await new TelemetryWorld().start();
    w.server.connection.closedByServer(code);
    await settle();
    expect(w.server.attempts).toBe(2);
  });

  it('double their delay from 1 s to 60 s, with up to a fifth on top (TCS-10)', async () => {
    const w = new TelemetryWorld();
    w.random = 0.5;
    w.server.refusal = new Error('refused');
    await w.start();
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      const before = w.server.attempts;
      await w.clock.advance(seconds * 1_100 - 1);
      expect(w.server.attempts).toBe(before);
      await w.clock.advance(1);
      expect(w.server.attempts).toBe(before + 1);
    }
  });

  it('do not forget their backoff by time alone', async () => {
    const w = new TelemetryWorld();
    w.server.refusal = new Error('refused');
    await w.start();
    await w.clock.advance(1_000);
    w.server.refusal = undefined;
    await w.clock.advance(2_000);
    await w.pass(10 * MINUTE);
    w.server.connection.closedByServer(1008);
    await w.clock.advance(3_999);
    expect(w.server.connections).toHaveLength(1);
    await w.clock.advance(1);
    expect(w.server.connections).toHaveLength(2);
  });

  it('open the connection again after 1 s when the instance is inactive (OBS-44)', async () => {
    const w = await new TelemetryWorld().start();
    w.session.disconnect();
    await w.clock.advance(999);
    expect(w.server.connections[0]?.deeds).toEqual(['cut']);
    expect(w.server.attempts).toBe(1);
    await w.clock.advance(1);
    expect(w.server.attempts).toBe(2);
  });

  it('are all gone after a stop, which sends no close frame (OBS-49)', async () => {
    const w = await new TelemetryWorld().start();
    await w.session.stop();
    expect(w.clock.pending).toBe(0);
    expect(w.server.connection.deeds).toEqual(['cut']);
  });
});

describe('the instance status', () => {
  const statuses = (w: TelemetryWorld) => w.sent('PublishInstanceStatusRequest');

  it('is sent 20 s after the connect, INITIALIZING without a heartbeat (TCS-34, TCS-57, OBS-63)', async () => {
    const w = await new TelemetryWorld().start();
    await w.clock.advance(19_999);
    expect(statuses(w)).toEqual([]);
    await w.clock.advance(1);
    const startedAt = w.startedAt / 1000;
    expect(statuses(w)).toEqual([
      {
        metadata: {
          cluster: 'peer',
          containerInstance: INSTANCE,
          requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        },
        statuses: [
          {
            type: 'ContainerRuntime',
            status: 'INITIALIZING',
            lastUpdated: startedAt,
            lastStatusChange: startedAt,
          },
        ],
        timestamp: startedAt + 20,
      },
    ]);
  });

  it('is of the type ContainerRuntime and OK when the runtime answers (TCS-35, TCS-60)', async () => {
    const w = await new TelemetryWorld().start();
    await w.clock.advance(5_000);
    await w.heartbeat();
    await w.clock.advance(15_000);
    const at = w.startedAt / 1000 + 5;
    expect(statuses(w)[0]?.statuses).toEqual([
      { type: 'ContainerRuntime', status: 'OK', lastUpdated: at, lastStatusChange: at },
    ]);
  });

  it('comes once on the tick after each heartbeat and not on others (TCS-58, TCS-59, OBS-64)', async () => {
    const w = await new TelemetryWorld().start();
    await w.pass(60_000);
    expect(statuses(w)).toHaveLength(1);
    await w.heartbeat();
    await w.heartbeat();
    expect(statuses(w)).toHaveLength(1);
    await w.pass(20_000);
    expect(statuses(w)).toHaveLength(2);
    await w.pass(60_000);
    expect(statuses(w)).toHaveLength(2);
  });

  it('is IMPAIRED when the runtime fails, and keeps the time of the change', async () => {
    const w = await new TelemetryWorld().start();
    await w.heartbeat();
    await w.pass(20_000);
    w.ping = () => Promise.reject(new Error('containerd is gone'));
    await w.heartbeat();
    await w.pass(20_000);
    await w.heartbeat();
    await w.pass(20_000);
    const [ok, impaired, still] = statuses(w).map(
      (request) => (request.statuses as Record<string, unknown>[])[0],
    );
    expect([ok?.status, impaired?.status, still?.status]).toEqual(['OK', 'IMPAIRED', 'IMPAIRED']);
    const at = w.startedAt / 1000;
    expect([impaired?.lastStatusChange, still?.lastStatusChange]).toEqual([at + 20, at + 20]);
    expect([impaired?.lastUpdated, still?.lastUpdated]).toEqual([at + 20, at + 40]);
  });

  it('is IMPAIRED when the runtime needs more than 2 s (TCS-60, ENG-133)', async () => {
    const w = await new TelemetryWorld().start();
    w.ping = () => new Promise(() => {});
    const check = w.heartbeat();
    await w.clock.advance(1_999);
    expect(w.health.status.status).toBe('INITIALIZING');
    await w.clock.advance(1);
    await check;
    expect(w.health.status.status).toBe('IMPAIRED');
  });

  it('that could not be sent is sent on the next tick', async () => {
    const w = await new TelemetryWorld().start();
    w.signError = new Error('no credentials');
    await w.pass(20_000);
    expect(statuses(w)).toEqual([]);
    w.signError = undefined;
    await w.pass(20_000);
    expect(statuses(w)).toHaveLength(1);
  });
});

const PART = z.object({
  metadata: z.object({ messageId: z.string(), fin: z.boolean() }),
  tasks: z.array(z.unknown()),
});

describe('health cycles', () => {
  const task = (n: number) => ({
    taskArn: `arn:aws:ecs:us-west-2:123456789012:task/peer/${n}`,
    family: 'web',
    version: '7',
    containers: [{ name: 'app', status: 'UNKNOWN' as const }],
  });

  it('come first 20 s after the start, then every 20 s, only with checked tasks (OBS-62, TCS-33, TCS-54)', async () => {
    const w = new TelemetryWorld();
    w.checked = [task(1)];
    await w.start();
    expect(w.sent('PublishHealthRequest')).toEqual([]);
    await w.pass(20_000);
    expect(w.sent('PublishHealthRequest').length).toBe(1);
    await w.pass(20_000);
    expect(w.sent('PublishHealthRequest').length).toBe(2);
    w.checked = [];
    await w.pass(40_000);
    expect(w.sent('PublishHealthRequest').length).toBe(2);
  });

  it('come also where nothing is measured, beside the idle message (TCS-62)', async () => {
    const w = new TelemetryWorld();
    w.cycle = 'idle';
    w.checked = [task(1)];
    await w.start();
    await w.pass(20_000);
    expect(w.sent('PublishHealthRequest')).toHaveLength(1);
    expect(w.sent('PublishMetricsRequest')).toHaveLength(2);
  });

  it('tell family, revision as text, status and since when (TCS-32, TCS-56)', async () => {
    const w = new TelemetryWorld();
    w.checked = [
      { ...task(1), containers: [{ name: 'app', status: 'HEALTHY', since: w.startedAt + 1_500 }] },
    ];
    await w.start();
    await w.pass(20_000);
    expect(w.sent('PublishHealthRequest')).toMatchObject([
      {
        metadata: { cluster: 'peer', containerInstance: INSTANCE, fin: true },
        tasks: [
          {
            taskArn: task(1).taskArn,
            taskDefinitionFamily: 'web',
            taskDefinitionVersion: '7',
            containers: [
              { containerName: 'app', healthStatus: 'HEALTHY', statusSince: (w.startedAt + 1_500) / 1000 },
            ],
          },
        ],
      },
    ]);
  });

  it('hold ten tasks at most, share an id, and mark the last part (TCS-55, OBS-66)', async () => {
    const w = new TelemetryWorld();
    w.checked = Array.from({ length: 11 }, (_, n) => task(n));
    await w.start();
    await w.pass(20_000);
    const parts = w.sent('PublishHealthRequest').map((part) => PART.parse(part));
    expect(parts.map((part) => [part.tasks.length, part.metadata.fin])).toEqual([
      [10, false],
      [1, true],
    ]);
    expect(parts[0]?.metadata.messageId).toBe(parts[1]?.metadata.messageId);
  });
});
