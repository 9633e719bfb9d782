import { existsSync, readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logFilesOldestFirst } from '../../../src/container-log/service/log-file/log-files.ts';
import { until } from '../../support/until.ts';
import { firstWrongNumber, LogStage, parseJsonLines } from './log-stage.ts';

let stage: LogStage;
beforeAll(async () => {
  stage = await LogStage.open();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

async function written(name: string, options: Readonly<Record<string, string>>, script: string) {
  const fifos = await stage.prepare(name, options);
  await stage.run(fifos, script);
  await stage.finish(fifos.id);
  const path = stage.paths(fifos.id).jsonLog;
  return { id: fifos.id, path, files: logFilesOldestFirst(path) };
}

describe('rotation', () => {
  test('rotates before the line that finds the file at max-size, never within a line (LOG-40, LOG-118)', async () => {
    const { files } = await written(
      'before',
      { 'max-size': '1000', 'max-file': '1000' },
      'busybox seq 1000 1999',
    );
    expect(files.length).toBeGreaterThan(50);
    for (const file of files) {
      const lines = readFileSync(file, 'utf8').split('\n');
      const longest = Math.max(...lines.map(({ length }) => length + 1));
      expect(lines.pop()).toBe('');
      expect(statSync(file).size).toBeLessThan(1000 + longest);
      if (file !== files.at(-1)) expect(statSync(file).size).toBeGreaterThanOrEqual(1000);
    }
    const numbers = files.flatMap(parseJsonLines).map(({ log }) => Number(log));
    expect(numbers).toEqual(Array.from({ length: 1000 }, (_, index) => 1000 + index));
  });

  test('counts max-size in units of 1000 (LOG-109)', async () => {
    const { files } = await written('units', { 'max-size': '10k', 'max-file': '2' }, 'busybox seq 1 200');
    expect(files).toHaveLength(2);
    expect(statSync(files[0] ?? '').size).toBeGreaterThanOrEqual(10_000);
    expect(statSync(files[0] ?? '').size).toBeLessThan(10_100);
  });

  test('keeps max-file files in all, the newest (LOG-116)', async () => {
    const { files, path } = await written(
      'three',
      { 'max-size': '5k', 'max-file': '3' },
      'busybox seq 1 1000',
    );
    expect(files).toEqual([`${path}.2`, `${path}.1`, path]);
    const numbers = files.flatMap(parseJsonLines).map(({ log }) => Number(log));
    expect(numbers.at(-1)).toBe(1000);
    expect(numbers).toEqual(
      Array.from({ length: numbers.length }, (_, index) => 1001 - numbers.length + index),
    );
  });

  test('begins a new file in place of the only one with max-file 1 (LOG-117)', async () => {
    const fifos = await stage.prepare('one', { 'max-size': '5k' });
    await stage.run(fifos, 'echo first');
    const path = stage.paths(fifos.id).jsonLog;
    await until(() => existsSync(path) && statSync(path).size > 0, { what: 'the first line is kept' });
    const first = parseJsonLines(path);
    await stage.run(fifos, 'busybox seq 1 1000');
    await stage.finish(fifos.id);
    expect(logFilesOldestFirst(path)).toEqual([path]);
    expect(first[0]?.log).toBe('first\n');
    expect(parseJsonLines(path).map(({ log }) => log)).not.toContain('first\n');
    expect(parseJsonLines(path).at(-1)?.log).toBe('1000\n');
  });

  test('compresses rotated files, with the time of the last line in the header (LOG-41)', async () => {
    const options = { 'max-size': '100k', 'max-file': '100', compress: 'true' };
    const { files, path } = await written('gzip', options, 'busybox seq 1 20000');
    expect(files.length).toBeGreaterThan(5);
    expect(files.slice(0, -1).every((file) => file.endsWith('.gz'))).toBe(true);
    expect(existsSync(`${path}.1`)).toBe(false);
    let text = '';
    for (const file of files) {
      const bytes = readFileSync(file);
      const plain = file.endsWith('.gz') ? gunzipSync(bytes) : bytes;
      const lines = plain.toString().split('\n').slice(0, -1);
      text += lines.map((line) => JSON.parse(line).log).join('');
      if (!file.endsWith('.gz')) continue;
      // RFC 1952: flag FEXTRA, then the field's length and the field.
      expect(bytes[3]).toBe(4);
      const extra = JSON.parse(bytes.toString('latin1', 12, 12 + bytes.readUInt16LE(10)));
      expect(extra).toEqual({ lastTime: JSON.parse(lines.at(-1) ?? '').time });
    }
    expect(firstWrongNumber(text, 20_000)).toBeUndefined();
  });

  test('goes on with the file that is there after a restart, its size counted (LOG-43, LOG-120)', async () => {
    const fifos = await stage.prepare('restart', { 'max-size': '5k', 'max-file': '2' });
    const path = stage.paths(fifos.id).jsonLog;
    await stage.run(fifos, 'busybox seq 1 50');
    await until(() => parseJsonLines(path).length === 50, { what: 'the first lines are kept' });
    await stage.killService();
    await stage.logs.list({ signal: stage.signal });
    await stage.run(fifos, 'busybox seq 51 100');
    await stage.finish(fifos.id);
    expect(statSync(`${path}.1`).size).toBeLessThan(5100);
    expect(firstWrongNumber(stage.textOf(fifos.id, 'stdout'), 100)).toBeUndefined();
  });

  test('goes on with a file that somebody has emptied to make room', async () => {
    const fifos = await stage.prepare('emptied');
    const path = stage.paths(fifos.id).jsonLog;
    await stage.run(fifos, 'busybox seq 1 50');
    await until(() => parseJsonLines(path).length === 50, { what: 'the first lines are kept' });
    await stage.run({ stdout: path, stderr: '/dev/null' }, 'true');
    expect(statSync(path).size).toBe(0);
    await stage.run(fifos, 'busybox seq 51 60');
    await stage.finish(fifos.id);
    expect(stage.textOf(fifos.id, 'stdout')).toBe('51\n52\n53\n54\n55\n56\n57\n58\n59\n60\n');
  });
});
