import { isUtf8 } from 'node:buffer';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readLogs } from '../../../src/container-log/read-logs.ts';
import { ForwardServer } from '../../support/forward-server.ts';
import { isFullRun, randomFrom, testSeed } from '../../support/sample.ts';
import { until } from '../../support/until.ts';
import { LogStage } from './log-stage.ts';

const seed = testSeed();
const TOTAL_BYTES = isFullRun() ? 100_000_000 : 3_000_000;
const MAX_LINE_BYTES = 1_000_000;
const LF = 10;

/** Lines of 0 bytes to 1 MB, as many of each order of magnitude, of any bytes; the last one has no end. */
const LINES = randomLines();

function randomLines(): Buffer[] {
  const random = randomFrom(seed);
  const lines: Buffer[] = [Buffer.alloc(0), randomBytes(1, random), randomBytes(MAX_LINE_BYTES, random)];
  let total = MAX_LINE_BYTES;
  while (total < TOTAL_BYTES) {
    const length = Math.floor(MAX_LINE_BYTES ** random());
    lines.push(randomBytes(length, random));
    total += length;
  }
  return lines;
}

/** Bytes without a line feed: text of one to four bytes a character, broken in some places, or noise. */
function randomBytes(length: number, random: () => number): Buffer {
  const kind = random();
  const bytes = Buffer.alloc(length, 'aé€😀');
  const step = kind < 0.3 ? 1 : kind < 0.6 ? 1 + Math.floor(random() * 1000) : length;
  for (let at = 0; at < length; at += step) bytes[at] = Math.floor(random() * 256);
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) bytes[at] = 0;
  return bytes;
}

/** A text as Go's encoding/json has it: U+FFFD for each byte that is part of no character. */
function asGoText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  const pieces: string[] = [];
  let text = 0;
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead < 0x80 || (at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)))) {
      at += length;
      continue;
    }
    pieces.push(bytes.toString('utf8', text, at));
    at += 1;
    text = at;
  }
  return [...pieces, bytes.toString('utf8', text)].join('\ufffd');
}

let stage: LogStage;
beforeAll(async () => {
  stage = await LogStage.open();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

/** Has a container of this driver write all lines and end. */
async function writtenTo(driver: string, options: Readonly<Record<string, string>>) {
  const fifos = await stage.prepare(driver, options, { driver });
  const out = createWriteStream(fifos.stdout);
  for (const [index, line] of LINES.entries()) {
    const bytes = index === LINES.length - 1 ? line : Buffer.concat([line, Buffer.from([LF])]);
    if (!out.write(bytes)) await new Promise((resolve) => out.once('drain', resolve));
  }
  out.end();
  await finished(out);
  await stage.finish(fifos.id);
  return fifos.id;
}

/** The first line that is not as it was written; undefined: none. */
function firstWrong<T>(read: readonly T[], written: readonly T[], isSame: (a: T, b: T) => boolean) {
  const wrong = written.findIndex((line, index) => {
    const other = read[index];
    return other === undefined || !isSame(other, line);
  });
  return wrong < 0 && read.length === written.length ? undefined : { wrong, lines: read.length };
}

describe(`${TOTAL_BYTES} bytes in lines of any bytes, up to 1 MB long (ECS_TEST_SEED=${seed})`, () => {
  test.each([
    ['json-file', asGoText],
    ['local', (bytes: Buffer) => bytes.toString()],
  ])(
    'are all in the files of %s, each byte that is no UTF-8 replaced (LOG-113, LOG-28)',
    async (driver, asText) => {
      const id = await writtenTo(driver, { 'max-size': '20m', 'max-file': '100' });
      const read: string[] = [];
      for await (const { text } of readLogs({ dataDir: stage.dataDir, id })) read.push(text);
      const written = LINES.map((line) => asText(line));
      expect(firstWrong(read, written, (one, other) => one === other)).toBeUndefined();
    },
  );

  test('reach fluentd as they are', async () => {
    await using server = await ForwardServer.start();
    await writtenTo('fluentd', { 'fluentd-address': `127.0.0.1:${server.port}` });
    const read: Buffer[] = [];
    let parts: Buffer[] = [];
    const join = () => {
      for (const { record } of server.messages.splice(0)) {
        const { log = Buffer.alloc(0) } = record;
        parts.push(log);
        if (record.partial_last !== undefined && String(record.partial_last) === 'false') continue;
        read.push(Buffer.concat(parts));
        parts = [];
      }
      // The last line has no end, and so no last part.
      return read.length + (parts.length > 0 ? 1 : 0) === LINES.length;
    };
    await until(join, { what: 'all lines arrive', timeoutMs: 60_000 });
    const rest = LINES.at(-1)?.length ?? 0;
    await until(
      () => {
        join();
        return parts.reduce((sum, { length }) => sum + length, 0) === rest;
      },
      { what: 'the last line arrives' },
    );
    if (parts.length > 0) read.push(Buffer.concat(parts));
    expect(firstWrong(read, LINES, (one, other) => one.equals(other))).toBeUndefined();
  }, 180_000);
});
