/** Why bytes were dropped: the disk is full, or `non-blocking` and the buffer is full. */
export type DropReason = 'disk' | 'ring';

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
}

const NOTICE_INTERVAL_MS = 60_000;

/** Counts for one container; tells of drops at once and then once a minute at most (LOG-82, LOG-168). */
export class LogCounters {
  bytesRead = 0;
  linesDelivered = 0;
  bytesDelivered = 0;
  partialMessages = 0;
  blockedMs = 0;
  readonly #dropped = { disk: { lines: 0, bytes: 0 }, ring: { lines: 0, bytes: 0 } };
  readonly #untold = { disk: { lines: 0, bytes: 0 }, ring: { lines: 0, bytes: 0 } };
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
    const { bytesRead, linesDelivered, bytesDelivered, partialMessages, blockedMs } = this;
    const dropped = { disk: { ...this.#dropped.disk }, ring: { ...this.#dropped.ring } };
    return { bytesRead, linesDelivered, bytesDelivered, partialMessages, blockedMs, dropped, backlogBytes };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tellNow(): void {
    this.#timer = undefined;
    for (const reason of ['disk', 'ring'] as const) {
      const { lines, bytes } = this.#untold[reason];
      if (bytes === 0 && lines === 0) continue;
      this.#untold[reason] = { lines: 0, bytes: 0 };
      this.#tell({ reason, lines, bytes });
      this.#timer = setTimeout(() => this.#tellNow(), NOTICE_INTERVAL_MS).unref();
    }
  }
}
