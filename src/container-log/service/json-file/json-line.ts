import { record, text } from '../../log-config.ts';
import { escapeJsonText } from '../json-text.ts';
import type { EntryFormat, EntryMeasure } from '../log-file/entry-format.ts';
import type { LogMessage } from '../log-message.ts';

/** The time stands at the end of a line. */
const TIME_TAIL_BYTES = 64;

/**
 * Writes messages as lines of a json-file (logging.md §15):
 * `{"log":"<text>\n","stream":"stdout","attrs":{…},"time":"…"}`.
 */
export class JsonLineFormat implements EntryFormat {
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

  worstCase(messageBytes: number): number {
    return 6 * messageBytes + this.#tails.stdout.length + 64;
  }

  encode(message: LogMessage, out: Buffer, at: number): number {
    const endsLine = message.partial === undefined || message.partial.last;
    let o = at;
    out[o++] = 0x7b;
    if (message.bytes.length > 0 || endsLine) {
      o += out.write('"log":"', o, 'latin1');
      o = escapeJsonText(message.bytes, out, o);
      if (endsLine) {
        out[o++] = 0x5c;
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

  *measure(entries: Buffer): Generator<EntryMeasure, void> {
    for (let at = 0, end = 0; at < entries.length; at = end) {
      end = entries.indexOf(10, at) + 1;
      yield { end, ...measureJsonLine(entries.toString('utf8', at, end)) };
    }
  }

  lastTime(entries: Buffer): string {
    const tail = entries.toString('latin1', Math.max(0, entries.length - TIME_TAIL_BYTES));
    return /"time":"([^"]+)"}\n$/.exec(tail)?.[1] ?? '';
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

/** A string as Go's encoding/json writes it into `attrs`. */
function goJsonString(value: string): string {
  return JSON.stringify(value.toWellFormed()).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
