import { describe, expect, it } from 'vitest';
import { EventFeed } from '../../../src/runtime/event-feed.ts';
import type { RuntimeEvent } from '../../../src/runtime/runtime.ts';
import { containerId } from '../../../src/task/ids.ts';

describe('event feed', () => {
  const oom = (id: string): RuntimeEvent => ({ kind: 'oom', id: containerId(id) });

  async function take(events: AsyncIterator<RuntimeEvent>, count: number): Promise<RuntimeEvent[]> {
    const taken: RuntimeEvent[] = [];
    while (taken.length < count) {
      const next = await events.next();
      if (next.done === true) break;
      taken.push(next.value);
    }
    return taken;
  }

  it('begins with a resync, at once when it is live, else when it goes live', async () => {
    const feed = new EventFeed();
    const early = feed.subscribe(new AbortController().signal)[Symbol.asyncIterator]();
    feed.goLive();
    const late = feed.subscribe(new AbortController().signal)[Symbol.asyncIterator]();
    feed.publish(oom('a'));
    expect(await take(early, 2)).toEqual([{ kind: 'resync' }, oom('a')]);
    expect(await take(late, 2)).toEqual([{ kind: 'resync' }, oom('a')]);
  });

  it('keeps events from the moment of the call on, also before anyone reads', async () => {
    const feed = new EventFeed();
    feed.goLive();
    const events = feed.subscribe(new AbortController().signal);
    feed.publish(oom('a'));
    expect(await take(events[Symbol.asyncIterator](), 2)).toEqual([{ kind: 'resync' }, oom('a')]);
  });

  it('tells of every gap (CTD-77)', async () => {
    const feed = new EventFeed();
    feed.goLive();
    const events = feed.subscribe(new AbortController().signal)[Symbol.asyncIterator]();
    feed.goDark();
    feed.goLive();
    feed.publish(oom('b'));
    expect(await take(events, 3)).toEqual([{ kind: 'resync' }, { kind: 'resync' }, oom('b')]);
  });

  it('ends with its signal, also while it waits', async () => {
    const feed = new EventFeed();
    const controller = new AbortController();
    const reading = take(feed.subscribe(controller.signal)[Symbol.asyncIterator](), 1);
    controller.abort();
    expect(await reading).toEqual([]);
    expect(await take(feed.subscribe(controller.signal)[Symbol.asyncIterator](), 1)).toEqual([]);
  });

  it('gives a reader that is far behind a resync in place of its queue', async () => {
    const feed = new EventFeed();
    feed.goLive();
    const events = feed.subscribe(new AbortController().signal)[Symbol.asyncIterator]();
    for (let count = 0; count < 10_001; count += 1) feed.publish(oom('a'));
    feed.publish(oom('last'));
    const [first, ...rest] = await take(events, 4);
    expect(first).toEqual({ kind: 'resync' });
    expect(rest.at(-1)).toEqual(oom('last'));
  });
});
