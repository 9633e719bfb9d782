import { record, text } from '../../log-config.ts';
import type { LogMessage } from '../log-message.ts';

const HEX = Buffer.from('0123456789abcdef');
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;

/** 1 for each byte that stands for itself: ASCII from blank on, without quote, backslash, `<`, `>`, `&`. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && !'"\\<>&'.includes(String.fromCharCode(byte)) ? 1 : 0,
);

/**
 * Writes messages as lines of a json-file (logging.md §15):
 * `{"log":"<text>\n","stream":"stdout","attrs":{…},"time":"…"}`.
 */
export class JsonLineEncoder {
  readonly #tails: Readonly<Record<'stdout' | 'stderr', Buffer>>;
  #lastTime: bigint | undefined;
  #lastTimeBytes = Buffer.alloc(0);

  constructor(attributes: Readonly<Record<string, string>>) {
    const keys = Object.keys(attributes).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const pairs = keys.map((key) => `${goJsonString(key)}:${goJsonString(attributes[key] ?? '')}`);
    const attrs = pairs.length === 0 ? '' : `"attrs":{${pairs.join(',')}},`;
    this.#tails = {
      stdout: Buffer.from(`"stream":"stdout",${attrs}"time":"`),
      stderr: Buffer.from(`"stream":"stderr",${attrs}"time":"`),
    };
  }

  /** Most bytes that the line of a message of this length can take. */
  worstCase(messageBytes: number): number {
    return 6 * messageBytes + this.#tails.stdout.length + 64;
  }

  /** Writes the line of a message into `out` at `at` and gives the place behind it. */
  encode(message: LogMessage, out: Buffer, at: number): number {
    const endsLine = message.partial === undefined || message.partial.last;
    let o = at;
    out[o++] = 0x7b;
    if (message.bytes.length > 0 || endsLine) {
      o += out.write('"log":"', o, 'latin1');
      o = escapeInto(message.bytes, out, o);
      if (endsLine) {
        out[o++] = BACKSLASH;
        out[o++] = 0x6e;
      }
      o += out.write('",', o, 'latin1');
    }
    const tail = this.#tails[message.stream];
    out.set(tail, o);
    o += tail.length;
    if (this.#lastTime !== message.time) {
      this.#lastTime = message.time;
      this.#lastTimeBytes = Buffer.from(`${rfc3339Nano(message.time)}"}\n`);
    }
    out.set(this.#lastTimeBytes, o);
    return o + this.#lastTimeBytes.length;
  }
}

/** What a line of the encoder says: the bytes of the text as it was kept, and whether it ended a line. */
export function measureJsonLine(line: string): { readonly bytes: number; readonly endsLine: boolean } {
  const { log } = record(JSON.parse(line), 'log line');
  const kept = log === undefined ? '' : text(log, 'log');
  const endsLine = kept.endsWith('\n');
  return { bytes: Buffer.byteLength(kept) - (endsLine ? 1 : 0), endsLine };
}

/** RFC 3339 in UTC with nanoseconds, trailing zeros of the fraction dropped (LOG-114). */
export function rfc3339Nano(time: bigint): string {
  const seconds = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19);
  const fraction = String(time % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return fraction === '' ? `${seconds}Z` : `${seconds}.${fraction}Z`;
}

/** Escapes the bytes of a message as Docker's json-file does; each byte of invalid UTF-8 becomes `\ufffd`. */
function escapeInto(source: Buffer, out: Buffer, at: number): number {
  let o = at;
  let i = 0;
  const { length } = source;
  while (i < length) {
    const byte = source[i] ?? 0;
    if (PLAIN[byte] === 1) {
      out[o++] = byte;
      i++;
      continue;
    }
    if (byte < 0x80) {
      o = escapeAscii(byte, out, o);
      i++;
      continue;
    }
    const size = utf8SequenceLength(source, i);
    if (size === 0) {
      o += out.write('\\ufffd', o, 'latin1');
      i++;
    } else if (
      size === 3 &&
      byte === 0xe2 &&
      source[i + 1] === 0x80 &&
      ((source[i + 2] ?? 0) & 0xfe) === 0xa8
    ) {
      o += out.write(source[i + 2] === 0xa8 ? '\\u2028' : '\\u2029', o, 'latin1');
      i += 3;
    } else {
      for (const end = i + size; i < end; i++) out[o++] = source[i] ?? 0;
    }
  }
  return o;
}

function escapeAscii(byte: number, out: Buffer, at: number): number {
  let o = at;
  out[o++] = BACKSLASH;
  if (byte === 0x22 || byte === BACKSLASH) out[o++] = byte;
  else if (byte === 0x0a) out[o++] = 0x6e;
  else if (byte === 0x0d) out[o++] = 0x72;
  else {
    out[o++] = LOWER_U;
    out[o++] = 0x30;
    out[o++] = 0x30;
    out[o++] = HEX[byte >> 4] ?? 0;
    out[o++] = HEX[byte & 15] ?? 0;
  }
  return o;
}

/** Length of the well-formed UTF-8 sequence that starts at `at`; 0 when there is none (Unicode table 3-7). */
function utf8SequenceLength(source: Buffer, at: number): number {
  const first = source[at] ?? 0;
  const second = source[at + 1] ?? 0;
  if (first < 0xc2 || first > 0xf4) return 0;
  if (first < 0xe0) return isContinuation(second) ? 2 : 0;
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest || !isContinuation(source[at + 2] ?? 0)) return 0;
  if (first < 0xf0) return 3;
  return isContinuation(source[at + 3] ?? 0) ? 4 : 0;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** A string as Go's encoding/json writes it into `attrs`. */
function goJsonString(value: string): string {
  return JSON.stringify(value.toWellFormed()).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
