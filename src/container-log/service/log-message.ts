import type { StreamName } from '../log-paths.ts';

/** Longest message of a line, bytes; a longer line comes in parts (logging.md §10). */
export const MAX_MESSAGE_BYTES = 16 * 1024;

/** Names the part of a line that did not fit into one message. */
export interface PartialMessage {
  /** 64 hex digits, the same for all parts. */
  readonly id: string;
  /** 1, 2, … */
  readonly ordinal: number;
  /** Only on the part that the line feed ended. */
  readonly last: boolean;
}

/** One line without its line feed, or a part of one. */
export interface LogMessage {
  readonly stream: StreamName;
  /** When the bytes were read, ns since the epoch; on a part, when those of the first part were. */
  readonly time: bigint;
  /** Valid until the next message is taken: copy what is kept. */
  readonly bytes: Buffer;
  readonly partial?: PartialMessage;
}
