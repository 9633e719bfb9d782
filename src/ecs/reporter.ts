import type { Logger } from 'pino';
import { Backoff, type BackoffOptions } from '../async/backoff.ts';
import { type Clock, sleepOn, systemClock } from '../async/clock.ts';
import type { QueuedReport, Store } from '../store/store.ts';
import type { TaskArn } from '../task/ids.ts';
import { type EcsApi, EcsApiError } from './ecs-api.ts';
import { submitBody } from './report-body.ts';

/** Reports in flight over all tasks (ECS-89). */
const MAX_IN_FLIGHT = 10;
/** Between two tries of one report, on top of the client's own retries (ecs-api.md §C7). */
const RETRY: BackoffOptions = { minMs: 1_000, maxMs: 30_000, factor: 1.3, jitter: 0.2 };
/** What ECS says of a report that it will never take, e.g. of a task it does not know. */
const REFUSED = 'InvalidParameterException';

export interface ReporterDependencies {
  readonly api: Pick<EcsApi, 'submitTaskStateChange'>;
  readonly store: Pick<Store, 'commit'>;
  readonly cluster: string;
  readonly logger: Logger;
  /** ECS has taken the report, or has refused it for good; it is out of the store by then. */
  onSettled(task: TaskArn, reportId: number, outcome: ReportOutcome): void;
  readonly clock?: Clock;
  readonly random?: () => number;
}

export type ReportOutcome = 'accepted' | 'dropped';

/** A report with the time of its arrival here, epoch ms. */
interface Waiting extends QueuedReport {
  readonly since: number;
}

/** The reports of one task, the oldest first, at most one of them in flight or waiting for its next try. */
interface Lane {
  readonly task: TaskArn;
  readonly backoff: Backoff;
  readonly waiting: Waiting[];
  busy: boolean;
}

/**
 * Sends the outbox to ECS (ecs-api.md §C6, §C7): the reports of a task strictly in the order of their ids, one
 * at a time, at most ten in all. A report leaves the store only once ECS has answered it, so each arrives at
 * least once whatever crashes; one that keeps failing holds up its own task and, while it waits for the next
 * try, takes no place among the ten.
 *
 *   waiting ─► sending ─► settled (accepted, or dropped after InvalidParameterException) ─► deleted ─► onSettled
 *                 ▲ └─ any other error ─► wait ─┐                        store refuses ─► wait, delete again
 *                 └─────────────────────────────┘
 */
export class Reporter {
  readonly #deps: ReporterDependencies;
  readonly #clock: Clock;
  readonly #lanes = new Map<TaskArn, Lane>();
  /** Lanes whose next report may go, the one that waits longest first. */
  readonly #ready = new Set<Lane>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #inFlight = 0;
  #started = false;

  constructor(deps: ReporterDependencies) {
    this.#deps = deps;
    this.#clock = deps.clock ?? systemClock;
  }

  /** Reports that ECS has not answered yet. */
  get depth(): number {
    let depth = 0;
    for (const lane of this.#lanes.values()) depth += lane.waiting.length;
    return depth;
  }

  /** How long the oldest report has been waiting in this process, ms; 0 when there is none. */
  get oldestAgeMs(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes.values()) oldest = Math.min(oldest, lane.waiting[0]?.since ?? oldest);
    return oldest === Number.POSITIVE_INFINITY ? 0 : this.#clock.now() - oldest;
  }

  /** Begins to send: what the store held at the start, and everything enqueued since. */
  start(initialOutbox: readonly QueuedReport[]): void {
    for (const queued of initialOutbox) this.#add(queued);
    this.#started = true;
    this.#pump();
  }

  /** Takes a report that is in the store by now. A report that waits already is not taken twice. */
  enqueue(queued: QueuedReport): void {
    this.#add(queued);
    this.#pump();
  }

  /** Gives up calls under way; what they were about stays in the store and is sent after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the agent is stopping'));
    await Promise.all(this.#running);
  }

  #add(queued: QueuedReport): void {
    const { task } = queued.report;
    let lane = this.#lanes.get(task);
    if (lane === undefined) {
      lane = { task, backoff: new Backoff(RETRY, this.#deps.random), waiting: [], busy: false };
      this.#lanes.set(task, lane);
    }
    if (lane.waiting.some(({ id }) => id === queued.id)) return;
    const later = lane.waiting.findIndex(({ id }, index) => id > queued.id && !(lane.busy && index === 0));
    lane.waiting.splice(later === -1 ? lane.waiting.length : later, 0, {
      ...queued,
      since: this.#clock.now(),
    });
    if (!lane.busy) this.#ready.add(lane);
  }

  #pump(): void {
    if (!this.#started || this.#stopping.signal.aborted) return;
    for (const lane of this.#ready) {
      if (this.#inFlight >= MAX_IN_FLIGHT) return;
      this.#ready.delete(lane);
      const next = lane.waiting[0];
      if (next === undefined) continue;
      lane.busy = true;
      const run = this.#runLane(lane, next).finally(() => this.#running.delete(run));
      this.#running.add(run);
    }
  }

  /** Tries the lane's first report once, then makes the lane ready for what comes next, or waits before that. */
  async #runLane(lane: Lane, report: Waiting): Promise<void> {
    const { signal } = this.#stopping;
    try {
      const outcome = await this.#send(lane, report);
      if (outcome === 'failed') await sleepOn(this.#clock, lane.backoff.next(), signal);
      else await this.#settle(lane, report, outcome);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    lane.busy = false;
    if (lane.waiting.length > 0) this.#ready.add(lane);
    else this.#lanes.delete(lane.task);
    this.#pump();
  }

  async #send(lane: Lane, { id, report }: Waiting): Promise<ReportOutcome | 'failed'> {
    const { api, cluster, logger } = this.#deps;
    const { signal } = this.#stopping;
    const fields = { task: lane.task, reportId: id, status: report.status };
    this.#inFlight += 1;
    try {
      await api.submitTaskStateChange(submitBody(report, cluster), { signal });
      logger.info(fields, 'state change accepted');
      return 'accepted';
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof EcsApiError && error.code === REFUSED) {
        logger.warn({ ...fields, err: error }, 'state change dropped: ECS will never take it');
        return 'dropped';
      }
      logger.warn({ ...fields, err: error }, 'state change not accepted, sent again later');
      return 'failed';
    } finally {
      this.#inFlight -= 1;
      this.#pump();
    }
  }

  /** The next report of the task waits until this one is out of the store: a restart must not swap them. */
  async #settle(lane: Lane, { id }: Waiting, outcome: ReportOutcome): Promise<void> {
    const { store, logger, onSettled } = this.#deps;
    lane.backoff.reset();
    for (;;) {
      try {
        await store.commit([{ kind: 'deleteReport', id }]);
        break;
      } catch (error) {
        this.#stopping.signal.throwIfAborted();
        logger.error({ task: lane.task, reportId: id, err: error }, 'answered report stays in the store');
        await sleepOn(this.#clock, lane.backoff.next(), this.#stopping.signal);
      }
    }
    lane.backoff.reset();
    lane.waiting.shift();
    onSettled(lane.task, id, outcome);
  }
}
