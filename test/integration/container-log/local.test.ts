import { copyFileSync, readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ReadLogsOptions, readLogs } from '../../../src/container-log/read-logs.ts';
import { decodeLocalEntry, LocalEntryFormat } from '../../../src/container-log/service/local/local-entry.ts';
import { logFilesOldestFirst } from '../../../src/container-log/service/log-file/log-files.ts';
import type { ContainerId } from '../../../src/task/ids.ts';
import { startDockerd, type TestDockerd } from '../../support/dockerd.ts';
import { until } from '../../support/until.ts';
import { endOf, LogStage } from './log-stage.ts';

const IMAGE = 'busybox:1';
/** Whole lines, an empty one, bytes that are no UTF-8, a line in three parts, and a last one without an end. */
const OUTPUT = [
  'echo out; echo; printf "\\377raw\\n"',
  "busybox dd if=/dev/zero bs=40000 count=1 2>/dev/null | busybox tr '\\0' z; echo",
  'printf rest',
].join('; ');
const LINES = ['out', '', '\ufffdraw', 'z'.repeat(40_000), 'rest'];

let stage: LogStage;
let dockerd: TestDockerd;
beforeAll(async () => {
  [stage, dockerd] = await Promise.all([LogStage.open(), startDockerd()]);
  await dockerd.load(IMAGE);
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
  await dockerd?.[Symbol.asyncDispose]();
});

async function read(id: ContainerId, options: Partial<ReadLogsOptions> = {}): Promise<string[]> {
  const lines = await Array.fromAsync(readLogs({ dataDir: stage.dataDir, id, ...options }));
  return lines.map(({ text }) => text);
}

/** Has a container of the driver local run a script to its end. */
async function logged(name: string, script: string, options: Readonly<Record<string, string>> = {}) {
  const fifos = await stage.prepare(name, options, { driver: 'local' });
  await stage.run(fifos, script);
  await stage.finish(fifos.id);
  return { id: fifos.id, path: stage.paths(fifos.id).localLog };
}

/** The same with dockerd; the path of its log. */
async function loggedByDockerd(name: string, script: string, options: Readonly<Record<string, string>> = {}) {
  const log = Object.entries(options).flatMap(([key, value]) => ['--log-opt', `${key}=${value}`]);
  await dockerd.docker(
    ...[
      'run',
      '--name',
      name,
      '--network',
      'none',
      '--log-driver',
      'local',
      ...log,
      IMAGE,
      'sh',
      '-c',
      script,
    ],
  );
  const root = (await dockerd.docker('info', '-f', '{{.DockerRootDir}}')).trim();
  const id = (await dockerd.docker('inspect', '-f', '{{.Id}}', name)).trim();
  return `${root}/containers/${id}/local-logs/container.log`;
}

describe('the driver local', () => {
  test('keeps lines in compressed files that rotate, and they are read with all options', async () => {
    const { id, path } = await logged('rotated', 'busybox seq 1 20000; echo err >&2', {
      'max-size': '100k',
      'max-file': '100',
    });
    const files = logFilesOldestFirst(path);
    expect(files.length).toBeGreaterThan(5);
    expect(files.slice(0, -1).every((file) => file.endsWith('.gz'))).toBe(true);
    const numbers = Array.from({ length: 20_000 }, (_, index) => String(index + 1));
    const all = await read(id);
    expect(all.filter((text) => text !== 'err')).toEqual(numbers);
    expect(all).toContain('err');
    for (const tail of [0, 1, 100, 15_000])
      expect(await read(id, { tail })).toEqual(tail === 0 ? [] : all.slice(-tail));
    expect(await read(id, { since: new Date(Date.now() + 60_000) })).toEqual([]);
  });

  test('is followed while it is written and rotated, and killed meanwhile', async () => {
    const fifos = await stage.prepare(
      'followed',
      { 'max-size': '50k', 'max-file': '500' },
      { driver: 'local' },
    );
    const following = read(fifos.id, { follow: true });
    const writer = stage.write(
      fifos,
      'for i in 1 2 3 4 5; do busybox seq 1 3000; busybox usleep 100000; done',
    );
    await until(() => logFilesOldestFirst(stage.paths(fifos.id).localLog).length > 2, { what: 'it rotates' });
    await stage.killService();
    await endOf(writer);
    await stage.finish(fifos.id);
    const numbers = Array.from({ length: 3000 }, (_, index) => String(index + 1));
    expect(await following).toEqual(Array(5).fill(numbers).flat());
  });

  test('has no more lines than the files that it may keep', async () => {
    const { path } = await logged('few', 'busybox seq 1 20000', { 'max-size': '10k', 'max-file': '3' });
    expect(logFilesOldestFirst(path)).toEqual([`${path}.2.gz`, `${path}.1.gz`, path]);
  });
});

describe("dockerd's driver local", () => {
  test('writes the same bytes, and what it wrote is read here', async () => {
    const theirs = await loggedByDockerd('theirs', OUTPUT);
    const bytes = readFileSync(theirs);
    const again = Buffer.alloc(bytes.length);
    const format = new LocalEntryFormat();
    let at = 0;
    for (let end = 0; at < bytes.length; at = end) {
      const entry = decodeLocalEntry(bytes, at);
      if (entry === undefined) throw new Error(`no entry at ${at}`);
      const { time, line, partial } = entry;
      const stream = entry.source === 'stderr' ? 'stderr' : 'stdout';
      end = format.encode({ stream, time, bytes: line, ...(partial && { partial }) }, again, at);
      expect(end).toBe(entry.end);
    }
    expect(again).toEqual(bytes);
    const { id, path } = await logged('ours-read', 'true');
    copyFileSync(theirs, path);
    expect(await read(id)).toEqual(LINES);
  });

  test('reads what was written here', async () => {
    const theirs = await loggedByDockerd('reads', OUTPUT);
    const shown = await dockerd.docker('logs', 'reads');
    expect(shown).toContain('rest');
    const { path } = await logged('ours', OUTPUT);
    copyFileSync(path, theirs);
    expect(await dockerd.docker('logs', 'reads')).toBe(shown);
    // Of the time that we wrote, which is another.
    expect(await dockerd.docker('logs', '--since', '1h', 'reads')).toBe(shown);
    copyFileSync((await logged('empty', 'true')).path, theirs);
    expect(await dockerd.docker('logs', 'reads')).toBe('');
  });

  test('rotates at the same size when nothing is said', async () => {
    const script = `busybox yes ${'y'.repeat(999)} | busybox head -n 22000`;
    const theirs = await loggedByDockerd('size', script, { compress: 'false' });
    const { path } = await logged('size', script, { compress: 'false' });
    const size = statSync(`${path}.1`).size;
    expect(Math.abs(size - statSync(`${theirs}.1`).size)).toBeLessThan(2_000);
    expect(size).toBeGreaterThan(20 * 1024 * 1024);
  });

  test.each([
    { 'max-size': '0' },
    { 'max-size': '-1' },
    { 'max-size': 'much' },
    { 'max-file': '0' },
    { 'max-file': '-1' },
    { 'max-file': '1' },
    { 'max-file': '0', compress: 'false' },
    { 'max-file': '1', compress: 'false' },
    { 'max-file': 'some' },
    { compress: 'perhaps' },
    { labels: 'a' },
    { tag: 'a' },
  ])('refuses %o with the same words', async (options) => {
    const name = `refused-${Object.entries(options).flat().join('')}`;
    const theirs = await loggedByDockerd(name, 'true', options).then(
      () => 'taken',
      (error: unknown) => String(error),
    );
    const ours = await stage.prepare(name, options, { driver: 'local' }).then(
      () => 'taken',
      (error: Error) => error.message,
    );
    expect(theirs).toContain(ours);
  });
});
