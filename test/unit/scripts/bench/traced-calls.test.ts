import { describe, expect, it } from 'vitest';
import { Moments } from '../../../../scripts/bench/moments.ts';
import {
  callsWithin,
  profileOf,
  type TracedCall,
  traceEvents,
} from '../../../../scripts/bench/traced-calls.ts';

const call = (who: TracedCall['who'], name: string, at: number, ms: number): TracedCall => ({
  who,
  name,
  at,
  ms,
});

/** A start of 50 ms: 8 of them alone, as 2 calls overlap. */
const start = {
  from: 1000,
  until: 1050,
  calls: [
    call('agent', 'message of ACS', 1001, 1),
    call('store', 'commit', 1004, 2),
    call('containerd', 'Tasks/Create', 1006, 30),
    call('log service', 'prepare', 1008, 10),
    call('store', 'commit', 1038, 10),
  ],
};

describe('the profile of starts', () => {
  it('adds up the calls of a name, in the order in which they begin, and tells what the agent takes itself', () => {
    expect(profileOf([start])).toEqual([
      { name: 'agent: message of ACS', count: 1, beginsAt: 1, takes: 1 },
      { name: 'store: commit', count: 2, beginsAt: 4, takes: 12 },
      { name: 'containerd: Tasks/Create', count: 1, beginsAt: 6, takes: 30 },
      { name: 'log service: prepare', count: 1, beginsAt: 8, takes: 10 },
      { name: 'the agent itself, no call under way', count: 1, beginsAt: 0, takes: 8 },
      { name: 'payload to report', count: 1, beginsAt: 0, takes: 50 },
    ]);
  });

  it('takes medians over starts', () => {
    const longer = { ...start, until: 1060 };
    const longest = { ...start, until: 1150 };
    expect(profileOf([longest, start, longer]).at(-1)).toMatchObject({
      name: 'payload to report',
      takes: 60,
    });
  });

  it('leaves out what lies outside of a start', () => {
    const outside = [call('store', 'commit', 990, 20), call('store', 'commit', 1045, 20)];
    expect(callsWithin([...outside, ...start.calls], 1000, 1050)).toEqual(start.calls);
  });

  it('becomes a trace with a line for each who was asked, in µs after the payload', () => {
    const events = traceEvents(start);
    expect(events).toContainEqual({
      ph: 'M',
      pid: 1,
      tid: 3,
      name: 'thread_name',
      args: { name: 'containerd' },
    });
    expect(events).toContainEqual({
      ph: 'X',
      pid: 1,
      tid: 3,
      cat: 'start',
      name: 'Tasks/Create',
      ts: 6000,
      dur: 30_000,
    });
  });
});

describe('moments', () => {
  it('are told to who waits for them and to who asks later, and count only the first time', async () => {
    const moments = new Moments();
    const awaited = moments.of('a');
    moments.note('a');
    const at = await awaited;
    moments.note('a');
    expect(await moments.of('a')).toBe(at);
    expect(at).toBeLessThanOrEqual(performance.now());
  });
});
