/** The registry ended before the blob did. What came is not lost. */
export class ShortBlobError extends Error {
  override readonly name = 'ShortBlobError';
}

/** The bytes of one blob, to be read in order, as often as writing them fails. */
export interface BlobSource {
  /** The bytes from a position to the end; `ShortBlobError`, or what the transfer failed with. One reading at a time; it may be left early. */
  from(offset: number): AsyncIterable<Buffer>;
  /** All bytes up to a position are safe: no reading begins before it any more, and their buffers are used again. */
  safe(offset: number): void;
  /** Somebody else writes the blob meanwhile: lets go of what is held and fetched. */
  pause(): Promise<void>;
}

/** A blob that is in memory. */
export function bytesAtHand(bytes: Buffer): BlobSource {
  return {
    from: async function* (offset) {
      yield bytes.subarray(offset);
    },
    safe: () => {},
    pause: async () => {},
  };
}
