import type { LogMessage } from '../log-message.ts';

/** What an entry of a log file holds. */
export interface EntryMeasure {
  /** Behind its last byte. */
  readonly end: number;
  /** Of the text. */
  readonly bytes: number;
  /** Whether it ends a line. */
  readonly endsLine: boolean;
}

/** How messages are written into a file. The same message always gives the same bytes. */
export interface EntryFormat {
  /** Most bytes that a message of this length can take. */
  worstCase(messageBytes: number): number;
  /** Writes a message into `out` at `at` and gives the place behind it. */
  encode(message: LogMessage, out: Buffer, at: number): number;
  /** Whole entries as `encode` wrote them. */
  measure(entries: Buffer): Iterable<EntryMeasure>;
  /** Time of the last of the entries, the first of which may be cut: RFC 3339; empty when it is not known. */
  lastTime(entries: Buffer): string;
}

/** How log files are kept. */
export interface LogFileOptions {
  /** A file that has this many bytes is rotated before the next entry; Infinity: never. */
  readonly maxBytes: number;
  /** Files in all, the current one included. */
  readonly maxFiles: number;
  /** Rotated files are compressed. */
  readonly compress: boolean;
}
