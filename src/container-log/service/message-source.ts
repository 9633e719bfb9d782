import type { LogMessage } from './log-message.ts';
import type { SpoolPosition } from './spool-reader.ts';

/** What a driver takes a container's messages from: the spool's reader, or something that joins its lines. */
export interface MessageSource {
  /** Bytes of the spool that were not taken yet. */
  readonly backlogBytes: number;
  /** The place after the last message: whoever starts there gets what follows, and nothing again. */
  position(): SpoolPosition;
  /** Goes back to a place that the spool has not released. */
  seek(position: SpoolPosition): void;
  /** The next message; undefined when there is none for now. */
  next(): LogMessage | undefined;
  /** After the end of both streams and of `next`: what is left, one at a time. */
  takeRest(): LogMessage | undefined;
}
