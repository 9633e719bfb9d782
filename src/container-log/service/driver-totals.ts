import type { LogTotals } from '../container-logs.ts';
import { DROP_REASONS, type LogStatistics } from './log-counters.ts';

/** A container's log that counts. */
export interface CountingLog {
  readonly config: { readonly driver: string };
  /** Everything is delivered. */
  readonly ended: boolean;
  statistics(): LogStatistics;
}

/** What containers that are gone have counted, by driver, so that the totals of a driver never go back. */
export class DriverTotals {
  readonly #gone = new Map<string, LogTotals>();

  /** A log is closed and asked no more. */
  add(log: CountingLog): void {
    const counted = { ...log.statistics(), backlogBytes: 0 };
    this.#gone.set(log.config.driver, sum(this.#gone.get(log.config.driver), counted, 0));
  }

  /** These and all that are gone. */
  with(present: readonly CountingLog[]): Readonly<Record<string, LogTotals>> {
    const totals = new Map(this.#gone);
    for (const log of present) {
      const { driver } = log.config;
      totals.set(driver, sum(totals.get(driver), log.statistics(), log.ended ? 0 : 1));
    }
    return Object.fromEntries(totals);
  }
}

function sum(one: LogTotals | undefined, other: LogStatistics, containers: number): LogTotals {
  const counts = (reason: (typeof DROP_REASONS)[number]) => ({
    lines: (one?.dropped[reason]?.lines ?? 0) + other.dropped[reason].lines,
    bytes: (one?.dropped[reason]?.bytes ?? 0) + other.dropped[reason].bytes,
  });
  return {
    bytesRead: (one?.bytesRead ?? 0) + other.bytesRead,
    linesDelivered: (one?.linesDelivered ?? 0) + other.linesDelivered,
    bytesDelivered: (one?.bytesDelivered ?? 0) + other.bytesDelivered,
    dropped: Object.fromEntries(DROP_REASONS.map((reason) => [reason, counts(reason)])),
    retries: (one?.retries ?? 0) + other.retries,
    blockedMs: (one?.blockedMs ?? 0) + other.blockedMs,
    backlogBytes: (one?.backlogBytes ?? 0) + other.backlogBytes,
    containers: (one?.containers ?? 0) + containers,
  };
}
