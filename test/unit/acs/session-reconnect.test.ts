import { describe, expect, it } from 'vitest';
import { UpgradeRefusedError } from '../../../src/async/web-socket.ts';
import { AcsWorld, taskArnOf, wireTask } from './acs-world.ts';
import { settle } from './manual-clock.ts';

const HOUR = 3_600_000;

describe('reconnecting of the ACS session', () => {
  it.each([1000, 1001, 1006, 1011])('reconnects without delay after code %i (ACS-17)', async (code) => {
    const w = await new AcsWorld().start();
    w.server.connection.closedByServer(code);
    await settle();
    expect(w.server.attempts).toBe(2);
    expect(w.session.state.connected).toBe(true);
  });

  it.each([1000, 1001, 1006, 1011])('starts its backoff anew after code %i (ACS-69)', async (code) => {
    const w = new AcsWorld();
    w.server.refusal = new Error('refused');
    await w.start();
    for (let attempt = 0; attempt < 4; attempt += 1) await w.msToNextAttempt(10_000);
    w.server.refusal = undefined;
    await w.msToNextAttempt(10_000);
    w.server.refusal = new Error('refused');
    w.server.connection.closedByServer(code);
    await settle();
    expect(await w.msToNextAttempt(10_000)).toBe(250);
  });

  it.each([1002, 1003, 1005, 1008, 1009, 1012, 4000])(
    'waits the backoff after code %i (ACS-18)',
    async (code) => {
      const w = await new AcsWorld().start();
      w.server.connection.closedByServer(code);
      expect(await w.msToNextAttempt(10_000)).toBe(250);
    },
  );

  it('waits the backoff after a broken connection and after a failed look-up (ACS-18)', async () => {
    const w = await new AcsWorld().start();
    w.discoverError = new Error('no endpoint');
    w.server.connection.endWith({ kind: 'failed', error: new Error('read ECONNRESET') });
    await settle();
    expect(w.session.state.lastError).toBe('read ECONNRESET');
    await w.clock.advance(250);
    expect(w.session.state.lastError).toBe('no endpoint');
    w.discoverError = undefined;
    expect(await w.msToNextAttempt(10_000)).toBe(375);
    expect(w.session.state.lastError).toBeUndefined();
  });

  it.each([
    ['short form', new UpgradeRefusedError(400, '{"InactiveInstanceException":"gone"}')],
    [
      'long form',
      new UpgradeRefusedError(400, '{"type":"InactiveInstanceException","message":{"message":"gone"}}'),
    ],
    ['raw body', new UpgradeRefusedError(400, 'sorry: InactiveInstanceException')],
  ])(
    'tries again after an hour when the instance is inactive: %s (ACS-20, ACS-71, OBS-43)',
    async (_, refusal) => {
      const w = new AcsWorld();
      w.server.refusal = refusal;
      await w.start();
      expect(w.events.filter((event) => event === 'inactive')).toHaveLength(1);
      await w.clock.advance(HOUR - 1);
      expect(w.server.attempts).toBe(1);
      await w.clock.advance(1);
      expect(w.server.attempts).toBe(2);
    },
  );

  it('takes a close frame that says so for an inactive instance too', async () => {
    const w = await new AcsWorld().start();
    w.server.connection.closedByServer(1008, 'InactiveInstanceException: gone');
    await w.clock.advance(HOUR - 1);
    expect(w.events).toContain('inactive');
    expect(w.server.attempts).toBe(1);
  });

  it('leaves the tasks of an inactive instance alone (ACS-70)', async () => {
    const w = await new AcsWorld().start();
    await w.sendPayload([wireTask('a1')]);
    w.server.refusal = new UpgradeRefusedError(400, '{"InactiveInstanceException":"gone"}');
    w.server.connection.closedByServer(1000);
    await w.clock.advance(HOUR);
    expect(w.intake.desiredRunning()).toEqual([taskArnOf('a1')]);
    expect(w.intake.stopped).toEqual([]);
  });

  it.each(['AccessDeniedException', 'InvalidClusterException', 'InvalidInstanceException'])(
    'keeps trying with the ordinary backoff after %s (ACS-21, ACS-72)',
    async (name) => {
      const w = new AcsWorld();
      w.server.refusal = new UpgradeRefusedError(400, JSON.stringify({ [name]: 'no' }));
      await w.start();
      expect(await w.msToNextAttempt(10_000)).toBe(250);
      expect(await w.msToNextAttempt(10_000)).toBe(375);
      expect(w.events).not.toContain('inactive');
      w.server.refusal = undefined;
      await w.msToNextAttempt(10_000);
      expect(w.session.state.connected).toBe(true);
    },
  );

  it('names the error of a refused upgrade, in either form (ACS-22, ACS-73)', async () => {
    const w = new AcsWorld();
    w.server.refusal = new UpgradeRefusedError(400, '{"AccessDeniedException":"no ecs:Poll"}');
    await w.start();
    expect(w.session.state.lastError).toBe('AccessDeniedException: no ecs:Poll');
    w.server.refusal = new UpgradeRefusedError(
      400,
      '{"message":{"message":"who?"},"type":"InvalidClusterException"}',
    );
    await w.clock.advance(250);
    expect(w.session.state.lastError).toBe('InvalidClusterException: who?');
    w.server.refusal = new UpgradeRefusedError(503, 'busy');
    await w.clock.advance(375);
    expect(w.session.state.lastError).toBe('the server refused the upgrade with status 503: busy');
  });

  it('asks for credentials until the first upgrade succeeds, then never again (ACS-08, OBS-40)', async () => {
    const w = new AcsWorld();
    w.server.refusal = new Error('refused');
    await w.start();
    await w.msToNextAttempt(1_000);
    w.server.refusal = undefined;
    await w.msToNextAttempt(1_000);
    w.server.connection.closedByServer(1000);
    await settle();
    w.server.connection.closedByServer(1000);
    await settle();
    const asked = w.server.connections.map(({ url }) => url.searchParams.get('sendCredentials'));
    expect(asked).toEqual(['true', 'false', 'false']);
  });

  it('looks up the endpoint and signs anew for each attempt (ACS-01, ACS-10)', async () => {
    const w = await new AcsWorld().start();
    w.endpoint = 'https://elsewhere.example';
    w.server.connection.closedByServer(1000);
    await settle();
    expect(w.events).toEqual(['discover', 'sign', 'discover', 'sign']);
    expect(w.server.connections.map(({ headers }) => headers.authorization)).toEqual([
      'signed /acs/ws #2',
      'signed /ws #4',
    ]);
    expect(w.server.connection.url.host).toBe('elsewhere.example');
  });

  it('tells its state: connected, since when, last message, last error', async () => {
    const w = new AcsWorld();
    expect(w.session.state).toEqual({ connected: false, since: w.clock.now() });
    await w.start();
    const since = w.clock.now();
    await w.clock.advance(5_000);
    await w.send('HeartbeatMessage');
    expect(w.session.state).toEqual({ connected: true, since, lastMessageAt: since + 5_000 });
  });
});
