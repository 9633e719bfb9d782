import { describe, expect, test } from 'vitest';
import { Backoff } from '../../../src/async/backoff.ts';
import { RETRY_WAITS } from '../../../src/container-log/service/awslogs/awslogs-driver.ts';
import {
  parseFluentdOptions,
  retryWaits,
} from '../../../src/container-log/service/fluentd/fluentd-options.ts';
import { parseLocalOptions } from '../../../src/container-log/service/local/local-options.ts';
import { parseSyslogOptions } from '../../../src/container-log/service/syslog/syslog-options.ts';
import { parseGoDuration } from '../../../src/container-log/value-parsers.ts';

function failure(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
}

describe('options of fluentd', () => {
  test.each([
    ['', { kind: 'tcp', host: '127.0.0.1', port: 24_224 }],
    ['there', { kind: 'tcp', host: 'there', port: 24_224 }],
    ['there:1', { kind: 'tcp', host: 'there', port: 1 }],
    ['tls://there:2', { kind: 'tls', host: 'there', port: 2 }],
    ['tcp://[::1]:3', { kind: 'tcp', host: '::1', port: 3 }],
    ['unix:///a/b.sock', { kind: 'unix', path: '/a/b.sock' }],
  ])('take the address "%s"', (address, expected) => {
    expect(parseFluentdOptions({ 'fluentd-address': address }).address).toEqual(expected);
  });

  test.each([
    [{ 'fluentd-address': 'tcp://h:1/x' }, 'should not contain a path element'],
    [{ 'fluentd-address': 'udp://h:1' }, "unsupported scheme: 'udp'"],
    [{ 'fluentd-max-retries': '2147483648' }, 'invalid fluentd-max-retries: value out of range'],
  ])('refuse %j', (options, message) => {
    expect(failure(() => parseFluentdOptions(options as Record<string, string>))).toBe(message);
  });

  test('wait longer before each try, a minute at most (LOG-135)', () => {
    const waits = retryWaits(parseFluentdOptions({ 'fluentd-retry-wait': '2s' }));
    const first = Array.from({ length: 12 }, () => waits.next());
    expect(first.slice(0, 4)).toEqual([2_000, 3_000, 4_500, 6_750]);
    expect(first.slice(-2)).toEqual([60_000, 60_000]);
  });
});

test('awslogs tries to make the stream after 1, 2, 4 … 32 s (LOG-143)', () => {
  const waits = new Backoff(RETRY_WAITS, () => 0);
  expect(Array.from({ length: 8 }, () => waits.next() / 1000)).toEqual([1, 2, 4, 8, 16, 32, 32, 32]);
});

describe('options of syslog', () => {
  test.each([
    ['', 3],
    ['kern', 0],
    ['authpriv', 10],
    ['ftp', 11],
    ['local0', 16],
    ['local7', 23],
    ['23', 23],
  ])('have the facility "%s" (LOG-45)', (name, facility) => {
    expect(parseSyslogOptions({ 'syslog-facility': name }).facility).toBe(facility);
  });

  test.each([
    [{ 'syslog-facility': '24' }, 'invalid syslog facility'],
    [{ 'syslog-facility': 'locale' }, 'invalid syslog facility'],
    [{ 'syslog-format': 'x' }, 'Invalid syslog format'],
    [{ 'syslog-address': 'unix:///not/there' }, 'stat /not/there: no such file or directory'],
  ])('refuse %j', (options, message) => {
    expect(failure(() => parseSyslogOptions(options as Record<string, string>))).toBe(message);
  });

  test('have port 514 unless another is given', () => {
    expect(parseSyslogOptions({ 'syslog-address': 'tcp+tls://h' }).address).toEqual({
      kind: 'tcp+tls',
      host: 'h',
      port: 514,
    });
    expect(parseSyslogOptions({ 'syslog-address': 'udp://h:80' }).address).toEqual({
      kind: 'udp',
      host: 'h',
      port: 80,
    });
  });
});

test.each([
  ['0', 0],
  ['300ms', 300],
  ['1.5h', 5_400_000],
  ['2h45m', 9_900_000],
  ['-1s', -1000],
])('a duration of Go: %s', (text, ms) => {
  expect(parseGoDuration(text)).toBe(ms);
});

test.each(['', '5', '1x', 's'])('no duration of Go: "%s"', (text) => {
  expect(failure(() => parseGoDuration(text))).toMatch(/^time: invalid duration/);
});

test('local keeps five files of 20 MiB, compressed, when nothing is said', () => {
  expect(parseLocalOptions({})).toEqual({ maxBytes: 20 * 1024 * 1024, maxFiles: 5, compress: true });
  expect(parseLocalOptions({ 'max-size': '5m', 'max-file': '0', compress: 'F' })).toEqual({
    maxBytes: 5_000_000,
    maxFiles: 1,
    compress: false,
  });
  expect(() => parseLocalOptions({ 'max-file': '1' })).toThrow(
    'compression cannot be enabled when max file count is 1',
  );
});
