import type { LogMessage } from '../log-message.ts';
import type { GrowingBuffer } from '../send-slots.ts';
import type { SyslogFormat } from './syslog-options.ts';

const SEVERITY = { stdout: 6, stderr: 3 } as const;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const LINE_FEED = 0x0a;

export interface SyslogLineOptions {
  readonly format: SyslogFormat;
  readonly facility: number;
  readonly hostname: string;
  readonly tag: string;
  readonly pid: number;
  /** Each message after its length, as RFC 5425 frames them over TLS. */
  readonly framed: boolean;
}

/** Appends a message as a line of syslog, ended by a line feed; an empty one not at all (logging.md §18). */
export function appendSyslogLine(message: LogMessage, out: GrowingBuffer, options: SyslogLineOptions): void {
  if (message.bytes.length === 0) return;
  const head = headOf(message, options);
  const ends = message.bytes[message.bytes.length - 1] === LINE_FEED;
  const length = Buffer.byteLength(head) + message.bytes.length + (ends ? 0 : 1);
  if (options.framed) out.appendText(`${length} `);
  out.appendText(head);
  out.append(message.bytes);
  if (!ends) out.appendText('\n');
}

function headOf(message: LogMessage, options: SyslogLineOptions): string {
  const { format, facility, hostname, tag, pid } = options;
  const priority = `<${facility * 8 + SEVERITY[message.stream]}>`;
  switch (format) {
    case '':
      return `${priority}${localTime(message.time)} ${tag}[${pid}]: `;
    case 'rfc3164':
      return `${priority}${localTime(message.time)} ${hostname} ${tag}[${pid}]: `;
    case 'rfc5424':
    case 'rfc5424micro':
      return `${priority}1 ${zonedTime(message.time, format === 'rfc5424micro')} ${hostname} ${tag} ${pid} ${tag} - `;
  }
}

/** As in `Jan _2 15:04:05`: the host's time, the day padded by a blank. */
function localTime(time: bigint): string {
  const date = new Date(Number(time / 1_000_000n));
  const day = String(date.getDate()).padStart(2, ' ');
  return `${MONTHS[date.getMonth()]} ${day} ${clock(date)}`;
}

/** RFC 3339 in the host's zone. */
function zonedTime(time: bigint, micro: boolean): string {
  const date = new Date(Number(time / 1_000_000n));
  const offset = -date.getTimezoneOffset();
  const zone =
    offset === 0
      ? 'Z'
      : `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  const fraction = micro ? `.${String((time / 1_000n) % 1_000_000n).padStart(6, '0')}` : '';
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${clock(date)}${fraction}${zone}`;
}

function clock(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
