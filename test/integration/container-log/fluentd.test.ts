import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ForwardServer } from '../../support/forward-server.ts';
import { freePort } from '../../support/free-port.ts';
import { until } from '../../support/until.ts';
import { firstWrongNumber, LogStage } from './log-stage.ts';

let stage: LogStage;
beforeAll(async () => {
  stage = await LogStage.open();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

const open = async (name: string, address: string | number, options: Readonly<Record<string, string>> = {}) =>
  await stage.prepare(
    name,
    { 'fluentd-address': typeof address === 'number' ? `127.0.0.1:${address}` : address, ...options },
    { driver: 'fluentd', labels: { team: 'a' } },
  );

describe('messages', () => {
  test('are arrays of four with an empty option map and whole seconds (LOG-47, LOG-131)', async () => {
    await using server = await ForwardServer.start();
    const fifos = await open('plain', server.port, { labels: 'team' });
    await stage.run(fifos, 'echo out; echo; echo err >&2');
    await stage.finish(fifos.id);
    await until(() => server.messages.length === 3, { what: 'all arrive' });
    for (const { members, option, tag, time } of server.messages) {
      expect([members, option, tag]).toEqual([4, {}, fifos.id.slice(0, 12)]);
      expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(5);
    }
    const records = server.messages.map(({ record }) =>
      Object.fromEntries(Object.entries(record).map(([key, value]) => [key, String(value)])),
    );
    expect(records).toContainEqual({
      container_id: fifos.id,
      container_name: '/ecs-web-3-plain',
      source: 'stderr',
      log: 'err',
      team: 'a',
    });
    expect(records.map(({ log }) => log).sort()).toEqual(['', 'err', 'out']);
  });

  test('have nanoseconds with sub-second precision, and go over a unix socket (LOG-131, LOG-51)', async () => {
    const path = stage.scratch.path('fluent.sock');
    await using server = await ForwardServer.start(path);
    const fifos = await open('unix', `unix://${path}`, { 'fluentd-sub-second-precision': 'true' });
    await stage.run(fifos, "printf '\\377\\376 raw\\n'");
    await stage.finish(fifos.id);
    const [message] = await until(() => server.messages.length === 1 && server.messages, {
      what: 'it arrives',
    });
    expect(message?.time).toMatchObject({ seconds: expect.any(Number), nanoseconds: expect.any(Number) });
    expect(message?.record.log).toEqual(Buffer.from([0xff, 0xfe, 0x20, 0x72, 0x61, 0x77]));
  });

  test('of a long line say that they are parts, the last one too (LOG-49, LOG-133)', async () => {
    await using server = await ForwardServer.start();
    const fifos = await open('parts', server.port);
    await stage.run(fifos, "busybox dd if=/dev/zero bs=20000 count=1 2>/dev/null | busybox tr '\\0' x; echo");
    await stage.finish(fifos.id);
    await until(() => server.messages.length === 2, { what: 'both arrive' });
    const parts = server.messages.map(({ record }) =>
      ['partial_message', 'partial_ordinal', 'partial_last'].map((key) => String(record[key])),
    );
    expect(parts).toEqual([
      ['true', '1', 'false'],
      ['true', '2', 'true'],
    ]);
  });
});

describe('acknowledgements', () => {
  test('of the right name are waited for (LOG-48)', async () => {
    await using server = await ForwardServer.start();
    const fifos = await open('acked', server.port, { 'fluentd-request-ack': 'true' });
    await stage.run(fifos, 'busybox seq 1 3000');
    await stage.finish(fifos.id);
    expect(firstWrongNumber(`${server.texts.join('\n')}\n`, 3000)).toBeUndefined();
    expect(new Set(server.messages.map(({ option }) => String(option.chunk))).size).toBe(3000);
    expect((await stage.logs.statistics({ signal: stage.signal }))[fifos.id]?.linesDelivered).toBe(3000);
  });

  test('of another name, or none, have the message sent again (LOG-132)', async () => {
    await using server = await ForwardServer.start();
    let calls = 0;
    server.acknowledge = (chunk) => {
      calls += 1;
      if (calls === 1) return 'another';
      return calls === 2 ? undefined : chunk;
    };
    const fifos = await open('unacked', server.port, {
      'fluentd-request-ack': 'true',
      'fluentd-read-timeout': '300ms',
      'fluentd-retry-wait': '50ms',
    });
    await stage.run(fifos, 'echo 1');
    await stage.finish(fifos.id);
    await until(() => server.texts.length === 3, { what: 'it is sent a third time' });
    expect(server.texts).toEqual(['1', '1', '1']);
  });
});

describe('without a server', () => {
  test('a container of sync mode does not start (LOG-134)', async () => {
    await expect(open('sync', await freePort())).rejects.toMatchObject({
      code: 'CannotStartContainerError',
      message: expect.stringMatching(
        /^failed to initialize logging driver: cannot connect to tcp:\/\/127.0.0.1:/,
      ),
    });
  });

  test('one of async mode runs, and its lines come later, in order (LOG-50, LOG-136)', async () => {
    const port = await freePort();
    const fifos = await open('async', port, { 'fluentd-async': 'true', 'fluentd-retry-wait': '100ms' });
    await stage.run(fifos, 'busybox seq 1 5000');
    await stage.finish(fifos.id);
    await using server = await ForwardServer.start(port);
    await until(() => server.messages.length >= 5000, { what: 'all arrive' });
    expect(firstWrongNumber(`${server.texts.join('\n')}\n`, 5000)).toBeUndefined();
  });

  test('the queue of async mode is bounded; what is dropped is counted (LOG-52)', async () => {
    const port = await freePort();
    const fifos = await open('bounded', port, {
      'fluentd-async': 'true',
      'fluentd-buffer-limit': '1000',
      'fluentd-retry-wait': '100ms',
    });
    await stage.run(fifos, 'busybox seq 1 300000');
    await stage.finish(fifos.id);
    await using server = await ForwardServer.start(port);
    const statistics = async () => (await stage.logs.statistics({ signal: stage.signal }))[fifos.id];
    await until(async () => (await statistics())?.backlogBytes === 0 && server.texts.length > 0, {
      what: 'the rest arrives',
    });
    const dropped = (await statistics())?.dropped.ring.lines ?? 0;
    expect(dropped).toBeGreaterThan(100_000);
    await until(() => server.texts.length + dropped === 300_000, { what: 'received and dropped are all' });
  });

  test('that comes back, lines are sent again', async () => {
    const server = await ForwardServer.start();
    const { port } = server;
    const fifos = await open('back', port, { 'fluentd-retry-wait': '50ms' });
    await stage.run(fifos, 'echo 1');
    await until(() => server.texts.length === 1, { what: 'the first line arrives' });
    await server[Symbol.asyncDispose]();
    const writer = stage.write(fifos, 'busybox sleep 0.3; echo 2');
    await until(
      async () => ((await stage.logs.statistics({ signal: stage.signal }))[fifos.id]?.retries ?? 0) > 2,
      {
        what: 'it is tried again',
      },
    );
    await using back = await ForwardServer.start(port);
    await until(() => back.texts.includes('2'), { what: 'the second line arrives' });
    writer.kill();
    await stage.finish(fifos.id);
  });
});
