import { isUtf8 } from 'node:buffer';

const HEX = Buffer.from('0123456789abcdef');
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;

/** 1 for each byte that stands for itself: ASCII from blank on, without quote, backslash, `<`, `>`, `&`. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && !'"\\<>&'.includes(String.fromCharCode(byte)) ? 1 : 0,
);

/**
 * Writes bytes as the inside of a JSON string, as Docker's json-file does; each byte of invalid UTF-8 becomes `\ufffd`.
 * Gives the place behind it; it takes six times the bytes at most.
 */
export function escapeJsonText(source: Buffer, out: Buffer, at: number): number {
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
export function utf8SequenceLength(source: Buffer, at: number): number {
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

/** How many bytes at the end are the beginning of a character that goes on: 0 to 3. */
export function unfinishedUtf8(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (isContinuation(byte)) continue;
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    return size > back ? back : 0;
  }
  return 0;
}

const REPLACEMENT = Buffer.from('\ufffd');

/** The bytes as valid UTF-8: each byte that is none becomes U+FFFD. The same buffer when all of it is. */
export function validUtf8(bytes: Buffer): Buffer {
  if (isUtf8(bytes)) return bytes;
  const out = Buffer.allocUnsafe(3 * bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0;
    const size = byte < 0x80 ? 1 : utf8SequenceLength(bytes, at);
    if (size === 0) {
      out.set(REPLACEMENT, length);
      length += REPLACEMENT.length;
      at += 1;
    } else {
      bytes.copy(out, length, at, at + size);
      length += size;
      at += size;
    }
  }
  return out.subarray(0, length);
}
