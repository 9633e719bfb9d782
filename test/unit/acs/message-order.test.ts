import { describe, expect, it } from 'vitest';
import { AcsWorld, wireTask } from './acs-world.ts';
import { settle } from './manual-clock.ts';

describe('the order of messages', () => {
  it('is kept: a message waits for the one before it', async () => {
    const w = await new AcsWorld().start();
    const stored = Promise.withResolvers<void>();
    w.intake.gate = stored.promise;
    await w.sendPayload([wireTask('a1')], { messageId: 'first' });
    await w.sendPayload([], { messageId: 'second' });
    await w.send('HeartbeatMessage', { messageId: 'third' });
    expect(w.server.connection.sent).toEqual([]);
    stored.resolve();
    await settle();
    const ids = w.server.connection.messages().map(({ message }) => message.messageId);
    expect(ids).toEqual(['first', 'second', 'third']);
  });

  it('does not let a message that hangs hold up the others for ever', async () => {
    const w = await new AcsWorld().start();
    w.intake.gate = Promise.withResolvers<void>().promise;
    await w.sendPayload([wireTask('a1')], { messageId: 'hangs' });
    await w.clock.advance(30_000);
    await w.send('HeartbeatMessage', { messageId: 'hb' });
    await w.clock.advance(30_000);
    expect(w.server.connection.messages().map(({ message }) => message.messageId)).toEqual(['hb']);
  });

  it('slows the server down when messages pile up, and goes on afterwards', async () => {
    const w = await new AcsWorld().start();
    const stored = Promise.withResolvers<void>();
    w.intake.gate = stored.promise;
    for (let n = 0; n < 66; n += 1) await w.sendPayload([], { messageId: `m-${n}` });
    expect(w.server.connection.deeds).toContain('pause');
    expect(w.server.connection.deeds).not.toContain('resume');
    stored.resolve();
    await settle();
    await settle();
    expect(w.server.connection.deeds.at(-1)).toBe('resume');
    expect(w.server.connection.sent).toHaveLength(66);
  });

  it('survives an answer that cannot be sent', async () => {
    const w = await new AcsWorld().start();
    w.server.connection.sendError = new Error('broken pipe');
    await w.send('HeartbeatMessage', { messageId: 'hb-1' });
    w.server.connection.sendError = undefined;
    await w.send('HeartbeatMessage', { messageId: 'hb-2' });
    expect(w.server.connection.messages().map(({ message }) => message.messageId)).toEqual(['hb-2']);
  });
});
