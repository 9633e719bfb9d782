import { describe, expect, it } from 'vitest';
import { AcsWorld } from './acs-world.ts';
import { settle } from './manual-clock.ts';

const MINUTE = 60_000;

describe('timers of the ACS session', () => {
  it.each([
    { random: 0, limit: MINUTE },
    { random: 0.5, limit: 1.5 * MINUTE },
    { random: 0.999, limit: 60_000 + 0.999 * 60_000 },
  ])(
    'drops a silent connection after 60 s + $random of a minute, without a close frame (ACS-14)',
    async ({ random, limit }) => {
      const w = new AcsWorld();
      w.random = random;
      await w.start();
      await w.clock.advance(limit - 1);
      expect(w.server.connection.deeds).toEqual([]);
      await w.clock.advance(1);
      expect(w.server.connections[0]?.deeds).toEqual(['cut']);
    },
  );

  it('waits the backoff before it reconnects after silence (ACS-93)', async () => {
    const w = await new AcsWorld().start();
    await w.clock.advance(MINUTE);
    expect(w.server.attempts).toBe(1);
    await w.clock.advance(249);
    expect(w.server.attempts).toBe(1);
    await w.clock.advance(1);
    expect(w.server.attempts).toBe(2);
  });

  it.each(['HeartbeatMessage', 'PayloadMessage', 'CloseMessage', 'AccessDeniedException', 'AckRequest'])(
    'restarts the inactivity timer on a %s (ACS-15)',
    async (type) => {
      const w = await new AcsWorld().start();
      for (let minute = 0; minute < 3; minute += 1) {
        await w.clock.advance(MINUTE - 1);
        await w.send(type);
      }
      expect(w.server.connection.deeds).toEqual([]);
      await w.clock.advance(MINUTE);
      expect(w.server.connections[0]?.deeds).toEqual(['cut']);
    },
  );

  it.each([
    ['of unknown type', '{"type":"NewMessage","message":{}}'],
    ['that does not decode', '{"type":"PayloadMessage","message":{"tasks":7}}'],
    ['that is not JSON', 'hello'],
    ['with an error in short form', '{"ServerException":"try again"}'],
  ])('is not kept alive by a message %s (ACS-67)', async (_, text) => {
    const w = await new AcsWorld().start();
    await w.clock.advance(MINUTE - 1);
    w.server.connection.receiveText(text);
    await w.clock.advance(1);
    expect(w.server.connections[0]?.deeds).toEqual(['cut']);
  });

  it.each([
    { random: 0, age: 30 * MINUTE },
    { random: 0.999, age: 30 * MINUTE + 0.999 * 5 * MINUTE },
  ])(
    'closes an aged connection with code 1000 and comes back at once (ACS-16, ACS-68)',
    async ({ random, age }) => {
      const w = new AcsWorld();
      w.random = random;
      await w.start();
      const started = w.clock.now();
      while (w.clock.now() - started < age - MINUTE / 2) {
        await w.clock.advance(MINUTE / 2);
        await w.send('HeartbeatMessage', { messageId: 'hb' });
      }
      await w.clock.advance(age - (w.clock.now() - started) - 1);
      expect(w.server.connection.deeds).toEqual([]);
      await w.clock.advance(1);
      expect(w.server.connections[0]?.deeds).toEqual(['close 1000 ConnectionExpired: Reconnect to continue']);
      expect(w.server.attempts).toBe(2);
    },
  );

  it('grows its delays by half from 250 ms to 2 min, with up to a fifth on top (ACS-18, OBS-41)', async () => {
    const w = new AcsWorld();
    w.random = 0.5;
    w.server.refusal = new Error('refused');
    await w.start();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 18; attempt += 1) delays.push(await w.msToNextAttempt(200_000));
    const expected = Array.from({ length: 18 }, (_, n) => Math.min(250 * 1.5 ** n, 120_000) * 1.1);
    for (const [n, delay] of delays.entries()) expect(delay).toBeCloseTo(expected[n] ?? 0, 3);
    expect(delays.at(-1)).toBeCloseTo(132_000);
  });

  it('starts its backoff anew once a session has lasted a minute (ACS-19)', async () => {
    const w = new AcsWorld();
    w.server.refusal = new Error('refused');
    await w.start();
    for (let attempt = 0; attempt < 5; attempt += 1) await w.msToNextAttempt(200_000);
    w.server.refusal = undefined;
    await w.msToNextAttempt(200_000);
    await w.clock.advance(MINUTE - 1);
    await w.send('HeartbeatMessage');
    await w.clock.advance(1);
    w.server.connection.closedByServer(1008);
    expect(await w.msToNextAttempt(200_000)).toBe(250);
  });

  it('goes on with its backoff when a session was short', async () => {
    const w = new AcsWorld();
    w.server.refusal = new Error('refused');
    await w.start();
    await w.msToNextAttempt(1_000);
    w.server.refusal = undefined;
    await w.msToNextAttempt(1_000);
    await w.clock.advance(MINUTE - 1);
    w.server.connection.closedByServer(1008);
    expect(await w.msToNextAttempt(1_000)).toBe(250 * 1.5 ** 2);
  });

  it('leaves no timer behind when it is stopped', async () => {
    const w = await new AcsWorld().start();
    await w.send('HeartbeatMessage');
    await w.session.stop();
    await settle();
    expect(w.clock.pending).toBe(0);
    expect(w.server.connection.deeds).toEqual(['cut']);
  });

  it('stops while it waits for its next attempt', async () => {
    const w = new AcsWorld();
    w.server.refusal = new Error('refused');
    await w.start();
    await w.session.stop();
    await settle();
    expect(w.clock.pending).toBe(0);
    expect(w.server.attempts).toBe(1);
  });
});
