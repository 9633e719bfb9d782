import { describe, expect, test } from 'vitest';
import { LOCAL_FORMAT } from '../../../src/container-log/local-format.ts';
import { decodeLocalEntry, LocalEntryFormat } from '../../../src/container-log/service/local/local-entry.ts';
import type { LogMessage } from '../../../src/container-log/service/log-message.ts';

const format = new LocalEntryFormat();
const TIME = 1_767_225_600_123_456_789n;

function encoded(...messages: readonly Partial<LogMessage>[]): Buffer {
  const out = Buffer.alloc(200_000);
  let end = 0;
  for (const message of messages) {
    const whole = { stream: 'stdout' as const, time: TIME, bytes: Buffer.from('text'), ...message };
    const next = format.encode(whole, out, end);
    expect(next - end).toBeLessThanOrEqual(format.worstCase(whole.bytes.length));
    end = next;
  }
  return out.subarray(0, end);
}

describe('an entry of the driver local', () => {
  test('is a protobuf message between two copies of its length', () => {
    expect(encoded({ stream: 'stderr', time: 300n, bytes: Buffer.from('ab') }).toString('hex')).toBe(
      ['0000000f', '0a06737464657272', '10ac02', '1a026162', '0000000f'].join(''),
    );
  });

  test('of an empty line has no line, that of a part its id, number and whether it is the last', () => {
    expect(encoded({ time: 1n, bytes: Buffer.alloc(0) }).toString('hex')).toBe(
      ['0000000a', '0a067374646f7574', '1001', '0000000a'].join(''),
    );
    const partial = { id: 'ab', ordinal: 2, last: true };
    expect(encoded({ time: 1n, bytes: Buffer.from('z'), partial }).toString('hex')).toBe(
      [
        '00000019',
        '0a067374646f7574',
        '1001',
        '1a017a',
        '2001',
        '2a08',
        '0801',
        '12026162',
        '1802',
        '00000019',
      ].join(''),
    );
  });

  test('comes back as it was', () => {
    const partial = { id: 'f'.repeat(64), ordinal: 300, last: false };
    const bytes = Buffer.from([0, 0xff, 0x0a, 0xc3]);
    expect(decodeLocalEntry(encoded({ bytes, partial }), 0)).toMatchObject({
      source: 'stdout',
      time: TIME,
      line: bytes,
      partial,
    });
    const large = Buffer.alloc(16_384, 1);
    expect(decodeLocalEntry(encoded({ bytes: large }), 0)?.line).toEqual(large);
  });

  test('tells where it ends, its text and its time', () => {
    const partial = { id: 'x', ordinal: 1, last: false };
    const entries = encoded({}, { bytes: Buffer.alloc(3), partial });
    expect([...format.measure(entries)]).toEqual([
      { end: encoded({}).length, bytes: 4, endsLine: true },
      { end: entries.length, bytes: 3, endsLine: false },
    ]);
    // The first one may be cut.
    expect(format.lastTime(entries.subarray(5))).toBe('2026-01-01T00:00:00.123456789Z');
    expect(format.lastTime(Buffer.alloc(0))).toBe('');
  });
});

describe('reading', () => {
  test('takes whole entries and leaves one that is not there to its end', () => {
    const whole = encoded({}, { stream: 'stderr', bytes: Buffer.alloc(0) });
    const torn = encoded({}).subarray(0, -1);
    const { entries, length } = LOCAL_FORMAT.take(Buffer.concat([whole, torn]));
    expect(length).toBe(whole.length);
    expect(entries).toEqual([
      { log: 'text\n', stream: 'stdout', time: '2026-01-01T00:00:00.123456789Z' },
      { log: '\n', stream: 'stderr', time: '2026-01-01T00:00:00.123456789Z' },
    ]);
  });

  test.each([
    [
      'lengths that differ',
      () => Buffer.concat([encoded({}).subarray(0, -1), Buffer.from([9]), Buffer.alloc(99)]),
    ],
    ['a length beyond all sense', () => Buffer.alloc(100, 0x7f)],
  ])('stops at %s', (_, broken) => {
    const whole = encoded({});
    const bytes = Buffer.concat([whole, broken()]);
    expect(LOCAL_FORMAT.take(bytes)).toMatchObject({ entries: [{ log: 'text\n' }], length: bytes.length });
  });
});
