import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { firstWrongNumber, LogStage, modeOf } from './log-stage.ts';

let stage: LogStage;
beforeAll(async () => {
  stage = await LogStage.open();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

describe('what a container writes', () => {
  test('keeps both streams, each in its order, with the time of reading (LOG-38)', async () => {
    const fifos = await stage.prepare('streams');
    const from = Date.now();
    await stage.run(fifos, 'echo out 1; echo err 1 >&2; echo out 2; echo err 2 >&2');
    await stage.finish(fifos.id);
    const lines = stage.jsonLines(fifos.id);
    expect(stage.textOf(fifos.id, 'stdout')).toBe('out 1\nout 2\n');
    expect(stage.textOf(fifos.id, 'stderr')).toBe('err 1\nerr 2\n');
    for (const { time } of lines) {
      expect(Date.parse(time)).toBeGreaterThanOrEqual(from);
      expect(Date.parse(time)).toBeLessThanOrEqual(Date.now());
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z$/);
    }
    expect(readFileSync(stage.paths(fifos.id).jsonLog, 'utf8').split('\n')[0]).toMatch(
      /^\{"log":"(out|err) 1\\n","stream":"std(out|err)","time":"[^"]+Z"\}$/,
    );
  });

  test('has a line in the file within 10 ms of its writing, most of the time', async () => {
    const fifos = await stage.prepare('latency');
    const writer = openSync(fifos.stdout, 'w');
    const waits: number[] = [];
    for (let index = 1; index <= 20; index++) {
      const start = performance.now();
      writeFileSync(writer, `${index}\n`);
      await until(() => stage.jsonLines(fifos.id).length >= index, {
        what: 'the line is kept',
        intervalMs: 1,
      });
      waits.push(performance.now() - start);
    }
    closeSync(writer);
    await stage.finish(fifos.id);
    expect(waits.sort((a, b) => a - b)[10]).toBeLessThan(10);
  });

  test('keeps a last line without an end as a part without an end (LOG-76, LOG-28)', async () => {
    const fifos = await stage.prepare('rest');
    await stage.run(fifos, "printf 'a\\nrest'; printf 'err rest' >&2");
    await stage.finish(fifos.id);
    expect(
      stage
        .jsonLines(fifos.id)
        .map(({ log }) => log)
        .sort(),
    ).toEqual(['a\n', 'err rest', 'rest']);
  });

  test('cuts a line of 16385 bytes into two parts of one time, the last one ended (LOG-104, LOG-39, LOG-115)', async () => {
    const fifos = await stage.prepare('parts');
    await stage.run(
      fifos,
      "busybox dd if=/dev/zero bs=16385 count=1 2>/dev/null | busybox tr '\\0' x; echo; echo next",
    );
    await stage.finish(fifos.id);
    const lines = stage.jsonLines(fifos.id);
    expect(lines.map(({ log }) => log)).toEqual(['x'.repeat(16_384), 'x\n', 'next\n']);
    expect(lines[1]?.time).toBe(lines[0]?.time);
  });

  test('keeps lines of every length up to 1 MB whole', async () => {
    const fifos = await stage.prepare('lengths');
    const script = [1, 2, 4095, 4096, 16_383, 16_384, 65_536, 262_144, 1_000_000]
      .map((size) => `busybox dd if=/dev/zero bs=${size} count=1 2>/dev/null | busybox tr '\\0' y; echo`)
      .join('; ');
    await stage.run(fifos, script);
    await stage.finish(fifos.id);
    const lines = stage.textOf(fifos.id, 'stdout').split('\n').slice(0, -1);
    expect(lines.map(({ length }) => length)).toEqual([
      1, 2, 4095, 4096, 16_383, 16_384, 65_536, 262_144, 1_000_000,
    ]);
  });

  test('keeps binary output: bytes that are no UTF-8 become U+FFFD, each one, all others stay (LOG-113)', async () => {
    const fifos = await stage.prepare('binary');
    await stage.run(
      fifos,
      "printf '\\000\\001\\t\\r\\377\\376<&>\"\\\\ \\303\\244 \\342\\202 \\360\\237\\230\\200\\n'",
    );
    await stage.finish(fifos.id);
    const raw = readFileSync(stage.paths(fifos.id).jsonLog, 'utf8');
    expect(raw).toContain(
      '"log":"\\u0000\\u0001\\u0009\\r\\ufffd\\ufffd\\u003c\\u0026\\u003e\\"\\\\ ä \\ufffd\\ufffd 😀\\n"',
    );
  });

  test('loses and changes nothing of 20 MB of random ASCII', async () => {
    const fifos = await stage.prepare('random');
    const file = stage.scratch.path('random.txt');
    await stage.run(
      { stdout: file, stderr: '/dev/null' },
      'busybox dd if=/dev/urandom bs=1M count=15 2>/dev/null | busybox base64',
    );
    await stage.run(fifos, `busybox cat '${file}'`);
    await stage.finish(fifos.id);
    const hash = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');
    expect(hash(stage.textOf(fifos.id, 'stdout'))).toBe(hash(readFileSync(file)));
  });

  test('collects a stream alone when the other never opens, or ends early (LOG-169, LOG-170)', async () => {
    const terminal = await stage.prepare('terminal');
    await stage.run({ stdout: terminal.stdout, stderr: '/dev/null' }, "printf 'one\\r\\ntwo\\r\\n'");
    await stage.finish(terminal.id);
    expect(stage.jsonLines(terminal.id).map(({ stream, log }) => [stream, log])).toEqual([
      ['stdout', 'one\r\n'],
      ['stdout', 'two\r\n'],
    ]);
    const early = await stage.prepare('early-end');
    await stage.run(early, 'echo e >&2; exec 2>&-; echo 1; busybox sleep 0.2; echo 2');
    await stage.finish(early.id);
    expect(stage.textOf(early.id, 'stdout')).toBe('1\n2\n');
    expect(stage.textOf(early.id, 'stderr')).toBe('e\n');
  });
});

describe('setting up and ending', () => {
  test('has a reader behind the FIFOs before anyone writes, and takes no end for one before (LOG-89, LOG-2)', async () => {
    const fifos = await stage.prepare('early');
    // Fails with ENXIO when nobody reads.
    const probe = openSync(fifos.stdout, constants.O_WRONLY | constants.O_NONBLOCK);
    closeSync(probe);
    await stage.run(fifos, 'echo after a false end');
    await stage.finish(fifos.id);
    expect(stage.textOf(fifos.id, 'stdout')).toBe('after a false end\n');
  });

  test('may be prepared again at any time', async () => {
    const first = await stage.prepare('again');
    const writer = stage.write(first, 'echo 1; busybox sleep 100');
    await until(() => stage.textOf(first.id, 'stdout') === '1\n', { what: 'the line is kept' });
    expect(await stage.prepare('again')).toEqual(first);
    writer.kill('SIGKILL');
    await stage.finish(first.id);
    await stage.finish(first.id);
    const restarted = await stage.prepare('again');
    await stage.run(restarted, 'echo 2');
    await stage.finish(restarted.id);
    expect(stage.textOf(first.id, 'stdout')).toBe('1\n2\n');
  });

  test('waits 10 s for a background process that holds the pipe, then keeps what is there (LOG-166)', async () => {
    const fifos = await stage.prepare('background');
    await stage.run(fifos, 'echo front; (busybox sleep 5; echo late; busybox sleep 60) & ');
    const start = performance.now();
    await stage.finish(fifos.id);
    const seconds = (performance.now() - start) / 1000;
    expect(seconds).toBeGreaterThan(9);
    expect(seconds).toBeLessThan(11);
    expect(stage.textOf(fifos.id, 'stdout')).toBe('front\nlate\n');
  });

  test('ends at once when nothing ever wrote', async () => {
    const fifos = await stage.prepare('silent');
    await stage.finish(fifos.id);
    expect(stage.jsonLines(fifos.id)).toEqual([]);
  });

  test('leaves only the log behind after the end, and nothing after removal', async () => {
    const fifos = await stage.prepare('removal');
    await stage.run(fifos, 'busybox seq 1 300000');
    await stage.finish(fifos.id);
    expect(existsSync(fifos.stdout)).toBe(false);
    expect(existsSync(stage.paths(fifos.id).spool)).toBe(false);
    expect(firstWrongNumber(stage.textOf(fifos.id, 'stdout'), 300_000)).toBeUndefined();
    expect(await stage.logs.list({ signal: stage.signal })).toContain(fifos.id);
    await stage.logs.remove(fifos.id, { signal: stage.signal });
    await stage.logs.remove(fifos.id, { signal: stage.signal });
    expect(existsSync(stage.paths(fifos.id).directory)).toBe(false);
    expect(await stage.logs.list({ signal: stage.signal })).not.toContain(fifos.id);
  });

  test('gives files and FIFOs only the rights they need (LOG-167)', async () => {
    const fifos = await stage.prepare('rights', { env: 'TOKEN' });
    await stage.run(fifos, 'echo x');
    const paths = stage.paths(fifos.id);
    expect(modeOf(paths.config)).toBe(0o600);
    expect(modeOf(fifos.stdout)).toBe(0o600);
    expect(modeOf(fifos.stderr)).toBe(0o600);
    expect(modeOf(paths.jsonLog)).toBe(0o640);
    expect(modeOf(paths.directory)).toBe(0o700);
    expect(modeOf(`${stage.runDir}/log-service.sock`)).toBe(0o600);
    await stage.finish(fifos.id);
  });

  test('keeps nothing with the driver none (LOG-1)', async () => {
    const request = stage.request('nothing', { driver: 'none', options: { 'max-size': 'x' } });
    expect(await stage.stdio(request)).toEqual({ kind: 'null' });
    expect(existsSync(stage.paths(request.id).directory)).toBe(false);
    await stage.logs.finish(request.id, { signal: stage.signal });
    await stage.logs.remove(request.id, { signal: stage.signal });
  });

  test('refuses what its driver cannot be set up with, and leaves nothing (LOG-103, LOG-26)', async () => {
    const request = stage.request('refused', { options: { 'max-size': '0' } });
    await expect(stage.stdio(request)).rejects.toMatchObject({
      code: 'CannotStartContainerError',
      message: 'failed to initialize logging driver: max-size must be a positive number',
    });
    expect(await stage.logs.list({ signal: stage.signal })).not.toContain(request.id);
    expect(existsSync(stage.paths(request.id).fifoDirectory)).toBe(false);
  });

  test('counts what it reads and delivers', async () => {
    const fifos = await stage.prepare('counts');
    await stage.run(fifos, 'echo 1234; echo 5678 >&2; printf rest');
    await until(
      async () => (await stage.logs.statistics({ signal: stage.signal }))[fifos.id]?.bytesRead === 14,
      {
        what: 'everything is read',
      },
    );
    await stage.finish(fifos.id);
    expect((await stage.logs.statistics({ signal: stage.signal }))[fifos.id]).toMatchObject({
      bytesRead: 14,
      linesDelivered: 2,
      bytesDelivered: 12,
      partialMessages: 1,
      backlogBytes: 0,
      dropped: { disk: { lines: 0, bytes: 0 }, ring: { lines: 0, bytes: 0 } },
    });
  });
});
