import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SplunkCollector } from '../../support/splunk-collector.ts';
import { until } from '../../support/until.ts';
import { firstWrongNumber, LogStage } from './log-stage.ts';

let stage: LogStage;
beforeAll(async () => {
  stage = await LogStage.open();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

const open = async (name: string, url: string, options: Readonly<Record<string, string>> = {}) =>
  await stage.prepare(
    name,
    { 'splunk-url': url, 'splunk-token': 'a-token', tag: 'T', ...options },
    { driver: 'splunk', labels: { team: 'a' } },
  );

describe('events', () => {
  test('go to the collector with token and channel (LOG-160)', async () => {
    await using collector = await SplunkCollector.start();
    const fifos = await open('headers', collector.url, {
      'splunk-index-acknowledgment': 'true',
      'splunk-source': 's',
      'splunk-index': 'main',
    });
    await stage.run(fifos, 'echo x');
    await stage.finish(fifos.id);
    const [post] = collector.posts;
    expect(post?.url).toBe('/services/collector/event/1.0');
    expect(post?.headers).toMatchObject({
      authorization: 'Splunk a-token',
      'x-splunk-request-channel': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(post?.objects[0]).toMatchObject({
      source: 's',
      index: 'main',
      time: expect.stringMatching(/^\d+\.\d{6}$/),
    });
    expect(post?.objects[0]).not.toHaveProperty('sourcetype');
  });

  const formats = [
    ['inline', ['{"a":1}', { line: '{"a":1}', source: 'stdout', tag: 'T', attrs: { team: 'a' } }]],
    ['json', ['{"a":1}', { line: { a: 1 }, source: 'stdout', tag: 'T', attrs: { team: 'a' } }]],
    ['json', ['{"a"', { line: '{"a"', source: 'stdout', tag: 'T', attrs: { team: 'a' } }]],
    ['raw', ['{"a":1}', 'T team=a {"a":1}']],
  ] as const;
  test.each(formats)('have the format %s (LOG-74)', async (format, [text, event]) => {
    await using collector = await SplunkCollector.start();
    const fifos = await open(`format-${format}-${text.length}`, collector.url, {
      'splunk-format': format,
      labels: 'team',
    });
    await stage.run(fifos, `echo '${text}'; echo '  '`);
    await stage.finish(fifos.id);
    expect(collector.objects[0]?.event).toEqual(event);
    expect(collector.objects).toHaveLength(format === 'raw' ? 1 : 2);
  });

  test('are zipped, a thousand a call, none lost when the collector is out of order (LOG-161, LOG-163)', async () => {
    await using collector = await SplunkCollector.start();
    const fifos = await open('many', collector.url, { 'splunk-gzip': 'true' });
    collector.statuses.push(503);
    await stage.run(fifos, 'busybox seq 1 2500');
    await stage.finish(fifos.id);
    await until(() => collector.objects.length >= 2500, { what: 'all arrive' });
    const lines = collector.objects.map(({ event }) => (event as { readonly line: string }).line);
    expect(firstWrongNumber(`${lines.join('\n')}\n`, 2500)).toBeUndefined();
    expect(collector.posts.map(({ objects }) => objects.length)).toEqual([1000, 1000, 500]);
    expect(collector.posts.every(({ headers }) => headers['content-encoding'] === 'gzip')).toBe(true);
  });

  test('wait five seconds for more (LOG-163)', async () => {
    await using collector = await SplunkCollector.start();
    const fifos = await open('waits', collector.url);
    const start = performance.now();
    const writer = stage.write(fifos, 'echo 1; exec busybox sleep 100');
    await until(() => collector.objects.length === 1, { what: 'the event arrives' });
    expect((performance.now() - start) / 1000).toBeGreaterThan(4.9);
    expect((performance.now() - start) / 1000).toBeLessThan(7);
    writer.kill('SIGKILL');
    await stage.finish(fifos.id);
  });
});

test('a collector that does not answer with 200 fails the start, unless that is not asked (LOG-162)', async () => {
  await using collector = await SplunkCollector.start();
  collector.statuses.push(403);
  await expect(open('unverified', collector.url)).rejects.toThrow(
    'failed to initialize logging driver: splunk: failed to verify connection - 403 - not now',
  );
  expect(collector.methods).toEqual(['OPTIONS']);
  const { id } = await open('unasked', collector.url, { 'splunk-verify-connection': 'false' });
  expect(collector.methods).toEqual(['OPTIONS']);
  await stage.finish(id);
});

test.each([
  [{ 'splunk-token': '' }, 'splunk: splunk-token is expected'],
  [{ 'splunk-url': '' }, 'splunk: splunk-url is expected'],
  [
    { 'splunk-url': 'http://h:1/path' },
    'splunk: expected format scheme://dns_name_or_ip:port for splunk-url',
  ],
  [{ 'splunk-format': 'xml' }, 'unknown format specified xml, supported formats are inline, json and raw'],
])('%j fails the start with what is wrong (LOG-75, LOG-165)', async (options, message) => {
  await expect(open('wrong', 'http://127.0.0.1:9', options as Record<string, string>)).rejects.toThrow(
    `failed to initialize logging driver: ${message}`,
  );
});
