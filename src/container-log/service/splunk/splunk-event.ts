import type { LogConfig } from '../../log-config.ts';
import { escapeJsonText } from '../json-text.ts';
import type { LogMessage } from '../log-message.ts';
import type { GrowingBuffer } from '../send-slots.ts';
import type { SplunkOptions } from './splunk-options.ts';

/** Appends messages as objects of the HTTP event collector (logging.md §22). */
export class SplunkEncoder {
  readonly #format: SplunkOptions['format'];
  /** From the end of the event on. */
  readonly #tail: string;
  /** Of `inline` and `json`: behind the line. */
  readonly #eventTails: Readonly<Record<'stdout' | 'stderr', string>>;
  /** Of `raw`: before the text. */
  readonly #rawHead: Buffer;

  constructor(config: LogConfig, { format, source, sourcetype, index }: SplunkOptions) {
    const { attributes, hostname, tag = '' } = config;
    this.#format = format;
    const given = Object.entries({ source, sourcetype, index }).filter(([, value]) => value !== '');
    this.#tail = `,${JSON.stringify({ host: hostname, ...Object.fromEntries(given) }).slice(1)}`;
    const attrs = Object.keys(attributes).length === 0 ? {} : { attrs: attributes };
    const eventTail = (stream: string) =>
      `,${JSON.stringify({ source: stream, ...(tag !== '' && { tag }), ...attrs }).slice(1)}`;
    this.#eventTails = { stdout: eventTail('stdout'), stderr: eventTail('stderr') };
    const words = [
      ...(tag === '' ? [] : [tag]),
      ...Object.entries(attributes).map(([name, value]) => `${name}=${value}`),
    ];
    this.#rawHead = Buffer.from(words.map((word) => `${word} `).join(''));
  }

  append(message: LogMessage, out: GrowingBuffer): void {
    if (this.#format === 'raw' && message.bytes.toString('latin1').trim() === '') return;
    out.appendText(`{"time":"${secondsOf(message.time)}","event":`);
    if (this.#format === 'raw') this.#appendText(out, Buffer.concat([this.#rawHead, message.bytes]));
    else {
      out.appendText('{"line":');
      if (this.#format === 'json' && isJson(message.bytes)) out.append(message.bytes);
      else this.#appendText(out, message.bytes);
      out.appendText(this.#eventTails[message.stream]);
    }
    out.appendText(this.#tail);
  }

  #appendText(out: GrowingBuffer, bytes: Buffer): void {
    out.appendText('"');
    out.reserve(6 * bytes.length);
    out.length = escapeJsonText(bytes, out.bytes, out.length);
    out.appendText('"');
  }
}

/** Seconds with six decimals. */
function secondsOf(time: bigint): string {
  const micros = time / 1_000n;
  return `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, '0')}`;
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
}
