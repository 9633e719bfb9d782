/**
 * Why lines were dropped: the disk is full; `non-blocking` and the buffer is full; the destination will never take
 * them; the container was removed long ago and they could still not be delivered.
 */
export const DROP_REASONS = ['disk', 'ring', 'rejected', 'abandoned'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

export interface DropNotice {
  readonly reason: DropReason;
  readonly lines: number;
  readonly bytes: number;
}

/** What a container's log counts (logging.md §25); lines are those ended by a line feed. */
export interface LogStatistics {
  readonly bytesRead: number;
  readonly linesDelivered: number;
  readonly bytesDelivered: number;
  readonly partialMessages: number;
  readonly dropped: Readonly<Record<DropReason, { readonly lines: number; readonly bytes: number }>>;
  readonly backlogBytes: number;
  readonly blockedMs: number;
  /** Batches that had to be sent again. */
  readonly retries: number;
}

const NOTICE_INTERVAL_MS = 60_000;

/** Counts for one container; tells of drops at once and then once a minute at most (LOG-82, LOG-168). */
export class LogCounters {
  bytesRead = 0;
  linesDelivered = 0;
  bytesDelivered = 0;
  partialMessages = 0;
  blockedMs = 0;
  retries = 0;
  readonly #dropped = noDrops();
  #untold = noDrops();
  readonly #tell: (notice: DropNotice) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (notice: DropNotice) => void) {
    this.#tell = tell;
  }

  drop(reason: DropReason, lines: number, bytes: number): void {
    for (const count of [this.#dropped[reason], this.#untold[reason]]) {
      count.lines += lines;
      count.bytes += bytes;
    }
    if (this.#timer === undefined) this.#tellNow();
  }

  statistics(backlogBytes: number): LogStatistics {
    const { bytesRead, linesDelivered, bytesDelivered, partialMessages, blockedMs, retries } = this;
    const dropped = structuredClone(this.#dropped);
    return {
      bytesRead,
      linesDelivered,
      bytesDelivered,
      partialMessages,
      blockedMs,
      retries,
      dropped,
      backlogBytes,
    };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tellNow(): void {
    this.#timer = undefined;
    const untold = this.#untold;
    this.#untold = noDrops();
    for (const reason of DROP_REASONS) {
      const { lines, bytes } = untold[reason];
      if (bytes === 0 && lines === 0) continue;
      this.#tell({ reason, lines, bytes });
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#tellNow(), NOTICE_INTERVAL_MS).unref();
    }
  }
}

function noDrops(): Record<DropReason, { lines: number; bytes: number }> {
  const none = () => ({ lines: 0, bytes: 0 });
  return { disk: none(), ring: none(), rejected: none(), abandoned: none() };
}
