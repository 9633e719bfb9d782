import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { STREAM_NAMES, type StreamName } from '../../../src/container-log/log-paths.ts';
import { FRAME_HEADER_BYTES } from '../../../src/container-log/service/frame.ts';
import { MAX_MESSAGE_BYTES } from '../../../src/container-log/service/log-message.ts';
import { PositionFile, readCheckpoint } from '../../../src/container-log/service/position-file.ts';
import { Spool, type SpoolPlace } from '../../../src/container-log/service/spool.ts';
import {
  firstPosition,
  ReadWindow,
  type SpoolPosition,
  SpoolReader,
} from '../../../src/container-log/service/spool-reader.ts';
import { ensureFifo, PipeIo } from '../../../src/host/pipe-io.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

interface Taken {
  readonly stream: StreamName;
  readonly text: string;
  readonly time: bigint;
  readonly part?: string;
}

/** A spool whose bytes come through real FIFOs. */
class SpoolBench implements AsyncDisposable {
  readonly scratch: Scratch = makeScratch();
  readonly io = new PipeIo();
  readonly #pipes: Record<StreamName, { readonly read: number; readonly write: number }>;
  spool: Spool;

  constructor() {
    this.#pipes = { stdout: this.#pipe('stdout'), stderr: this.#pipe('stderr') };
    this.spool = this.open();
  }

  open(from: SpoolPlace = firstPosition(0)): Spool {
    this.spool?.close();
    this.spool = new Spool({ directory: this.directory, from, io: this.io, segmentBytes: 100_000 });
    return this.spool;
  }

  get directory(): string {
    return this.scratch.path('spool');
  }

  append(stream: StreamName, bytes: Uint8Array, time: bigint): void {
    for (let at = 0; at < bytes.length; ) {
      const written = writeSync(this.#pipes[stream].write, bytes, at, Math.min(60_000, bytes.length - at));
      expect(this.spool.append(stream, this.#pipes[stream].read, written, time, 'none')).toBe(written);
      at += written;
    }
  }

  reader(position: SpoolPosition = firstPosition(0), window = 4096): SpoolReader {
    return new SpoolReader(this.spool, new ReadWindow(window), 'container', position, MAX_MESSAGE_BYTES);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.spool.close();
    for (const { read, write } of Object.values(this.#pipes)) {
      closeSync(read);
      closeSync(write);
    }
    await this.scratch.remove();
  }

  #pipe(name: string): { readonly read: number; readonly write: number } {
    const path = this.scratch.path(name);
    ensureFifo(path, 0o600);
    ensureFifo(path, 0o600);
    return { read: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), write: openSync(path, 'w') };
  }
}

function take(reader: SpoolReader, until: 'present' | 'end'): Taken[] {
  const taken: Taken[] = [];
  const next = () => reader.next() ?? (until === 'end' ? reader.takeRest() : undefined);
  for (let message = next(); message !== undefined; message = next()) {
    const { stream, time, bytes, partial } = message;
    const part = partial && `${partial.id} ${partial.ordinal} ${partial.last}`;
    taken.push({ stream, time, text: bytes.toString('latin1'), ...(part !== undefined && { part }) });
  }
  return taken;
}

/** What Docker makes of a stream's bytes: text and, for parts, ordinal and last (logging.md §10). */
function expectedMessages(bytes: Buffer): string[] {
  const messages: string[] = [];
  const lines = bytes.toString('latin1').split('\n');
  for (const [index, line] of lines.entries()) {
    const isRest = index === lines.length - 1;
    let ordinal = 0;
    let rest = line;
    while (rest.length >= 16_384) {
      ordinal += 1;
      messages.push(`${rest.slice(0, 16_384)} ${ordinal} false`);
      rest = rest.slice(16_384);
    }
    if (isRest && rest === '') continue;
    if (isRest) messages.push(`${rest} ${ordinal + 1} false`);
    else messages.push(ordinal === 0 ? rest : `${rest} ${ordinal + 1} true`);
  }
  return messages;
}

const told = ({ text, part }: Taken) =>
  part === undefined ? text : `${text} ${part.split(' ').slice(1).join(' ')}`;

/** Pieces of lines: mostly short, now and then longer than a message. */
const pieces = fc.array(
  fc.record({
    stream: fc.constantFrom(...STREAM_NAMES),
    bytes: fc
      .array(
        fc.oneof(
          { weight: 5, arbitrary: fc.string({ maxLength: 30 }) },
          { weight: 5, arbitrary: fc.constant('\n') },
          {
            weight: 1,
            arbitrary: fc.integer({ min: 16_000, max: 50_000 }).map((length) => 'l'.repeat(length)),
          },
          {
            weight: 1,
            arbitrary: fc.constantFrom(16_383, 16_384, 16_385, 32_768).map((n) => `${'x'.repeat(n)}\n`),
          },
        ),
        { minLength: 1, maxLength: 8 },
      )
      .map((parts) => Buffer.from(parts.join('') || '\n')),
  }),
  { minLength: 1, maxLength: 20 },
);

let bench: SpoolBench;
beforeEach(() => {
  bench = new SpoolBench();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

describe('cutting into messages', () => {
  test('16385 bytes are parts 1 and 2, the last on the second (LOG-27)', () => {
    bench.append('stdout', Buffer.from(`${'x'.repeat(16_385)}\n`), 5n);
    const [first, second, ...more] = take(bench.reader(), 'end');
    expect(more).toEqual([]);
    expect(first?.text).toBe('x'.repeat(16_384));
    expect(second?.text).toBe('x');
    expect(first?.part).toMatch(/^[0-9a-f]{64} 1 false$/);
    expect(second?.part).toBe(first?.part?.replace('1 false', '2 true'));
  });

  test('the line feed goes, a carriage return stays (LOG-105, LOG-29)', () => {
    bench.append('stdout', Buffer.from('a\r\n\n\rb\n'), 5n);
    expect(take(bench.reader(), 'end').map(({ text }) => text)).toEqual(['a\r', '', '\rb']);
  });

  test('a rest at the end is a part that is not the last (LOG-28)', () => {
    bench.append('stderr', Buffer.from('rest'), 5n);
    expect(take(bench.reader(), 'present')).toEqual([]);
    expect(take(bench.reader(), 'end')).toMatchObject([
      { text: 'rest', part: expect.stringMatching(/ 1 false$/) },
    ]);
  });

  test('a message has the time of the read that ended it, all parts that of the first (LOG-104)', () => {
    bench.append('stdout', Buffer.from('he'), 1n);
    bench.append('stdout', Buffer.from(`llo\n${'y'.repeat(16_384)}`), 2n);
    bench.append('stdout', Buffer.from('y\nz\n'), 3n);
    expect(take(bench.reader(), 'end').map(({ time }) => time)).toEqual([2n, 2n, 2n, 3n]);
  });

  test('any bytes in any pieces become what Docker makes of them, at any place of the window', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.integer({ min: 16, max: 5000 }), async (written, window) => {
        await using own = new SpoolBench();
        for (const [index, { stream, bytes }] of written.entries()) own.append(stream, bytes, BigInt(index));
        const taken = take(own.reader(firstPosition(0), window), 'end');
        for (const stream of STREAM_NAMES) {
          const bytes = Buffer.concat(
            written.filter((piece) => piece.stream === stream).map((piece) => piece.bytes),
          );
          expect(taken.filter((message) => message.stream === stream).map(told)).toEqual(
            expectedMessages(bytes),
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a reader that starts again from a recorded place gives the same messages, times and ids', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.nat(), async (written, stop) => {
        await using own = new SpoolBench();
        for (const [index, { stream, bytes }] of written.entries()) own.append(stream, bytes, BigInt(index));
        const whole = take(own.reader(), 'end');
        const reader = own.reader();
        for (let count = stop % (whole.length + 1); count > 0; count--) reader.next();
        const position = new PositionFile(own.scratch.path('position'), MAX_MESSAGE_BYTES);
        position.save({ position: reader.position(), ended: false, driver: {} });
        position.close();
        const rest = take(reader, 'end');
        const saved =
          readCheckpoint(own.scratch.path('position'), MAX_MESSAGE_BYTES)?.position ??
          expect.fail('nothing was saved');
        own.open(saved);
        expect(take(own.reader(saved), 'end')).toEqual(rest);
        expect(rest).toEqual(whole.slice(whole.length - rest.length));
      }),
      { numRuns: 60 },
    );
  });
});

describe('recovery', () => {
  test('a frame that was not finished keeps the bytes that it has; a header without bytes goes', () => {
    bench.append('stdout', Buffer.from('one\n'), 1n);
    bench.append('stdout', Buffer.from('two\nthr'), 2n);
    const [segment = ''] = readdirSync(bench.directory);
    const path = `${bench.directory}/${segment}`;
    bench.spool.close();
    truncateSync(path, 2 * FRAME_HEADER_BYTES + 4 + 5);
    bench.open();
    bench.append('stdout', Buffer.from('e\n'), 3n);
    expect(take(bench.reader(), 'end').map(({ text }) => text)).toEqual(['one', 'two', 'te']);
    truncateSync(path, FRAME_HEADER_BYTES + 4 + 7);
    bench.open();
    bench.append('stdout', Buffer.from('new\n'), 4n);
    expect(take(bench.reader(), 'end').map(({ text }) => text)).toEqual(['one', 'new']);
  });

  test('a line that was broken by a gap is passed over, and what follows counts from its next line', () => {
    bench.append('stdout', Buffer.from('whole\nbroken'), 1n);
    bench.append('stderr', Buffer.from('other'), 2n);
    bench.spool.markGap('stdout', 3n);
    bench.append('stdout', Buffer.from(' tail\nnext\n'), 4n);
    bench.append('stderr', Buffer.from(' stream\n'), 5n);
    const reader = bench.reader();
    expect(take(reader, 'end').map(({ text }) => text)).toEqual(['whole', 'next', 'other stream']);
    expect(reader.skippedLines).toBe(1);
  });

  test('a spool shorter than what was read of it, as after a crash of the host, is begun anew', () => {
    bench.append('stdout', Buffer.from('one\ntwo\n'), 1n);
    const reader = bench.reader();
    take(reader, 'present');
    const position = reader.position();
    const [segment = ''] = readdirSync(bench.directory);
    bench.spool.close();
    truncateSync(`${bench.directory}/${segment}`, 3);
    bench.open(position);
    bench.append('stdout', Buffer.from('three\n'), 2n);
    expect(take(bench.reader(position), 'end').map(({ text }) => text)).toEqual(['three']);
  });

  test('what was delivered is deleted, whole segments at a time', () => {
    for (let index = 0; index < 10; index++) bench.append('stdout', Buffer.alloc(50_000, 10), BigInt(index));
    expect(readdirSync(bench.directory).length).toBeGreaterThan(3);
    const reader = bench.reader(firstPosition(0), 256 * 1024);
    expect(take(reader, 'present')).toHaveLength(500_000);
    expect(reader.backlogBytes).toBe(0);
    bench.spool.releaseBefore(reader.position().segment);
    expect(readdirSync(bench.directory)).toHaveLength(1);
  });

  test('a record of the position that was torn gives way to the one before', () => {
    const path = bench.scratch.path('position');
    const file = new PositionFile(path, MAX_MESSAGE_BYTES);
    for (const segment of [1, 2, 3])
      file.save({ position: firstPosition(segment), ended: false, driver: { segment } });
    file.close();
    expect(readCheckpoint(path, MAX_MESSAGE_BYTES)?.position.segment).toBe(3);
    const fd = openSync(path, 'r+');
    // The third is in the second slot, which begins at 64 KiB.
    writeSync(fd, 'x', 64 * 1024 + 40);
    closeSync(fd);
    expect(readCheckpoint(path, MAX_MESSAGE_BYTES)?.driver).toEqual({ segment: 2 });
    expect(new PositionFile(path, MAX_MESSAGE_BYTES).last?.position.segment).toBe(2);
    writeFileSync(path, 'nonsense');
    expect(readCheckpoint(path, MAX_MESSAGE_BYTES)).toBeUndefined();
    mkdirSync(bench.scratch.path('empty'));
    expect(readCheckpoint(bench.scratch.path('empty', 'position'), MAX_MESSAGE_BYTES)).toBeUndefined();
  });
});
