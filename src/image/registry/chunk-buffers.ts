import { freeAtOnce } from './free-at-once.ts';

/**
 * Memory for the chunks of blobs that are on their way, for all pulls together. It is used again, and freed when
 * nothing is on its way any more: left to the collector, what has been read would pile up (CTD-48).
 */
export class ChunkBuffers {
  readonly #bytes: number;
  readonly #spare: Buffer[] = [];
  #lent = 0;

  /** Each has that many bytes. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** One with any content; the caller's until it is given back or lost. */
  take(): Buffer {
    this.#lent += 1;
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#bytes);
  }

  /** Nobody reads or writes it any more. */
  giveBack(buffer: Buffer): void {
    this.#spare.push(buffer);
    this.lose();
  }

  /** One is not given back, since somebody may still read it: the collector's. */
  lose(): void {
    this.#lent -= 1;
    if (this.#lent === 0) for (const buffer of this.#spare.splice(0)) freeAtOnce(buffer);
  }
}
