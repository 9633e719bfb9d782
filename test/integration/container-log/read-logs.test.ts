import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LogLine, type ReadLogsOptions, readLogs } from '../../../src/container-log/read-logs.ts';
import type { ContainerId } from '../../../src/task/ids.ts';
import { until } from '../../support/until.ts';
import { endOf, LogStage } from './log-stage.ts';

let stage: LogStage;
beforeAll(async () => {
  stage = await LogStage.open();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

async function read(id: ContainerId, options: Partial<ReadLogsOptions> = {}): Promise<LogLine[]> {
  return await Array.fromAsync(readLogs({ dataDir: stage.dataDir, id, ...options }));
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index));

describe('reading logs', () => {
  test('gives whole lines of both streams, parts put together, through rotated and compressed files', async () => {
    const fifos = await stage.prepare('whole', { 'max-size': '20k', 'max-file': '50', compress: 'true' });
    const long = "busybox dd if=/dev/zero bs=50000 count=1 2>/dev/null | busybox tr '\\0' z; echo";
    await stage.run(
      fifos,
      `busybox seq 1 500; ${long}; echo; busybox seq 501 1000; echo err >&2; printf rest`,
    );
    await stage.finish(fifos.id);
    const lines = await read(fifos.id);
    const texts = lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text);
    expect(texts).toEqual([...numbers(1, 500), 'z'.repeat(50_000), '', ...numbers(501, 1000), 'rest']);
    expect(lines.filter(({ stream }) => stream === 'stderr').map(({ text }) => text)).toEqual(['err']);
  });

  test('gives the last lines, from one file and across several', async () => {
    const fifos = await stage.prepare('tail', { 'max-size': '30k', 'max-file': '50' });
    await stage.run(fifos, 'busybox seq 1 5000');
    await stage.finish(fifos.id);
    for (const tail of [0, 1, 10, 300, 4999, 5000, 6000]) {
      const texts = (await read(fifos.id, { tail })).map(({ text }) => text);
      expect(texts).toEqual(numbers(1, 5000).slice(Math.max(0, 5000 - tail)));
    }
  });

  test('gives lines since a time', async () => {
    const fifos = await stage.prepare('since');
    await stage.run(fifos, 'echo old');
    await until(() => stage.jsonLines(fifos.id).length === 1, { what: 'the first line is kept' });
    const since = new Date(Date.now() + 1);
    await until(() => Date.now() > since.getTime(), { what: 'time has passed' });
    await stage.run(fifos, 'echo new');
    await stage.finish(fifos.id);
    expect((await read(fifos.id, { since })).map(({ text }) => text)).toEqual(['new']);
  });

  test.each([
    ['one file', {}],
    ['files rotated meanwhile', { 'max-size': '50k', 'max-file': '500' }],
    ['files rotated and compressed meanwhile', { 'max-size': '50k', 'max-file': '500', compress: 'true' }],
  ])('follows a container to its end: %s', async (name, options) => {
    const fifos = await stage.prepare(`follow ${name}`, options);
    const following = read(fifos.id, { follow: true, signal: stage.signal });
    const script =
      'i=0; while [ $i -lt 200 ]; do busybox seq $((i*100+1)) $(((i+1)*100)); i=$((i+1)); busybox usleep 5000; done; printf rest';
    await endOf(stage.write(fifos, script));
    await stage.finish(fifos.id);
    expect((await following).map(({ text }) => text)).toEqual([...numbers(1, 20_000), 'rest']);
  });

  test('gives a new line to a follower at once, across a kill of the log service too', async () => {
    const fifos = await stage.prepare('live');
    const abort = new AbortController();
    const lines: string[] = [];
    const following = (async () => {
      for await (const { text } of readLogs({
        dataDir: stage.dataDir,
        id: fifos.id,
        follow: true,
        signal: abort.signal,
      }))
        lines.push(text);
    })();
    const writer = stage.write(fifos, 'i=0; while true; do echo $((i+=1)); busybox usleep 20000; done');
    await until(() => lines.length > 20, { what: 'lines come' });
    await stage.killService();
    const before = lines.length;
    await until(() => lines.length > before + 20, { what: 'lines come again' });
    writer.kill('SIGKILL');
    abort.abort(new Error('enough'));
    await expect(following).rejects.toThrow('enough');
    expect(lines).toEqual(numbers(1, lines.length));
    await stage.finish(fifos.id);
  });

  test('ends when the log is removed, and is empty when there is none', async () => {
    const fifos = await stage.prepare('removed');
    await stage.run(fifos, 'echo x');
    await until(() => stage.jsonLines(fifos.id).length === 1, { what: 'the line is kept' });
    const lines = readLogs({ dataDir: stage.dataDir, id: fifos.id, follow: true, signal: stage.signal });
    expect((await lines.next()).value).toMatchObject({ text: 'x' });
    await stage.logs.remove(fifos.id, { signal: stage.signal });
    expect(await lines.next()).toEqual({ done: true, value: undefined });
    expect(await read(fifos.id)).toEqual([]);
    expect(await read(fifos.id, { tail: 5 })).toEqual([]);
  });
});
