import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  JsonLineFormat,
  measureJsonLine,
  rfc3339Nano,
} from '../../../src/container-log/service/json-file/json-line.ts';
import type { LogMessage } from '../../../src/container-log/service/log-message.ts';

const TIME = 1_704_164_645_123_456_789n;

function line(message: Partial<LogMessage>, attributes: Readonly<Record<string, string>> = {}): string {
  const encoder = new JsonLineFormat(attributes);
  const whole: LogMessage = { stream: 'stdout', time: TIME, bytes: Buffer.alloc(0), ...message };
  const out = Buffer.alloc(encoder.worstCase(whole.bytes.length));
  return out.toString('utf8', 0, encoder.encode(whole, out, 0));
}

const part = (ordinal: number, last: boolean) => ({ id: 'x', ordinal, last });

describe('lines of a json-file', () => {
  test('have log, stream, attrs and time, in this order, attributes sorted (LOG-38)', () => {
    const bytes = Buffer.from('hello');
    expect(line({ bytes, stream: 'stderr' }, { b: '2', a: '1', Z: '0' })).toBe(
      '{"log":"hello\\n","stream":"stderr","attrs":{"Z":"0","a":"1","b":"2"},"time":"2024-01-02T03:04:05.123456789Z"}\n',
    );
    expect(line({ bytes })).toBe(
      '{"log":"hello\\n","stream":"stdout","time":"2024-01-02T03:04:05.123456789Z"}\n',
    );
  });

  test('of an empty message hold a line feed (LOG-112)', () => {
    expect(line({})).toContain('{"log":"\\n","stream"');
  });

  test('of a part have no line feed, of the last part they do (LOG-39, LOG-115)', () => {
    expect(line({ bytes: Buffer.from('ab'), partial: part(1, false) })).toContain('"log":"ab",');
    expect(line({ bytes: Buffer.from('ab'), partial: part(2, true) })).toContain('"log":"ab\\n",');
    expect(line({ partial: part(2, true) })).toContain('"log":"\\n",');
    expect(line({ partial: part(1, false) })).toBe(
      '{"stream":"stdout","time":"2024-01-02T03:04:05.123456789Z"}\n',
    );
  });

  test.each([
    ['"\\', '\\"\\\\'],
    ['a\rb', 'a\\rb'],
    ['<a href="x">&', '\\u003ca href=\\"x\\"\\u003e\\u0026'],
    ['\t\b\f\x00\x1f', '\\u0009\\u0008\\u000c\\u0000\\u001f'],
    ['\x7f', '\x7f'],
    ['\u2028\u2029\u202a', '\\u2028\\u2029\u202a'],
    ['äß漢😀', 'äß漢😀'],
  ])('escape %j as %s (LOG-113)', (text, expected) => {
    expect(line({ bytes: Buffer.from(text) })).toContain(`{"log":"${expected}\\n",`);
  });

  test.each([
    ['80', 1],
    ['c0 80', 2],
    ['c3', 1],
    ['e2 82', 2],
    ['ed a0 80', 3],
    ['f0 9f 98', 3],
    ['f4 90 80 80', 4],
    ['f5', 1],
    ['ff fe', 2],
  ])('replace each byte of the ill-formed %s (LOG-113)', (hex, count) => {
    const bytes = Buffer.from(`61${hex.replaceAll(' ', '')}62`, 'hex');
    expect(line({ bytes })).toContain(`{"log":"a${'\\ufffd'.repeat(count)}b\\n",`);
  });

  test('are JSON that gives the text back, for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.dictionary(fc.string(), fc.string()),
        (text, attributes) => {
          const wellFormed = text.toWellFormed();
          const parsed = JSON.parse(line({ bytes: Buffer.from(wellFormed) }, attributes));
          expect(parsed.log).toBe(`${wellFormed}\n`);
          const expected = Object.entries(attributes).map(([key, value]) => [
            key.toWellFormed(),
            value.toWellFormed(),
          ]);
          expect(parsed.attrs ?? {}).toEqual(Object.fromEntries(expected));
        },
      ),
    );
  });

  test('stay within the space that is kept for them, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = line({ bytes: Buffer.from(bytes) });
        expect(() => JSON.parse(text)).not.toThrow();
        expect(text.indexOf('\n')).toBe(text.length - 1);
      }),
    );
  });

  test('can be measured again', () => {
    expect(measureJsonLine(line({ bytes: Buffer.from('ä<') }))).toEqual({ bytes: 3, endsLine: true });
    expect(measureJsonLine(line({ bytes: Buffer.from('a'), partial: part(1, false) }))).toEqual({
      bytes: 1,
      endsLine: false,
    });
  });
});

describe('times', () => {
  test.each([
    [TIME, '2024-01-02T03:04:05.123456789Z'],
    [1_704_164_645_120_000_000n, '2024-01-02T03:04:05.12Z'],
    [1_704_164_645_000_000_000n, '2024-01-02T03:04:05Z'],
    [1_704_164_645_000_000_001n, '2024-01-02T03:04:05.000000001Z'],
  ])('%i is %s: trailing zeros are dropped (LOG-114)', (time, expected) => {
    expect(rfc3339Nano(time)).toBe(expected);
  });
});
