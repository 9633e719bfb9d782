import type { Logger } from 'pino';
import { type Clock, sleepOn, systemClock } from '../async/clock.ts';

/** What PublishInstanceStatusRequest says of the container runtime (tcs.md §10). Times are epoch ms. */
export interface InstanceStatus {
  readonly status: 'INITIALIZING' | 'OK' | 'IMPAIRED';
  /** Time of the latest check, at first of the agent's start. */
  readonly lastUpdatedAt: number;
  readonly lastChangedAt: number;
}

export interface InstanceHealthOptions {
  /** Proof that the runtime answers. */
  ping(signal: AbortSignal): Promise<void>;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** A runtime that has not answered by then counts as impaired (TCS-60). */
const PING_LIMIT_MS = 2_000;

/** The instance's health check: runs on each ACS heartbeat and remembers whether its result was reported. */
export class InstanceHealth {
  readonly #options: InstanceHealthOptions;
  readonly #clock: Clock;
  #status: InstanceStatus;
  #reported = false;
  #running: Promise<void> | undefined;

  constructor(options: InstanceHealthOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const now = this.#clock.now();
    this.#status = { status: 'INITIALIZING', lastUpdatedAt: now, lastChangedAt: now };
  }

  get status(): InstanceStatus {
    return this.#status;
  }

  /** What has not been reported since the last check, if anything. */
  get unreported(): InstanceStatus | undefined {
    return this.#reported ? undefined : this.#status;
  }

  /** `status` reached ECS; a check that ended in between keeps its own result unreported. */
  markReported(status: InstanceStatus): void {
    if (status === this.#status) this.#reported = true;
  }

  /** Checks the runtime; calls that come while one is under way share it. Never rejects. */
  check(): Promise<void> {
    this.#running ??= this.#check().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #check(): Promise<void> {
    const { ping, logger } = this.#options;
    const over = new AbortController();
    const limit = sleepOn(this.#clock, PING_LIMIT_MS, over.signal).then(() => {
      throw new Error(`the container runtime did not answer within ${PING_LIMIT_MS} ms`);
    });
    try {
      await Promise.race([ping(over.signal), limit]);
      this.#set('OK');
    } catch (error) {
      logger.warn({ err: error }, 'container runtime failed its health check');
      this.#set('IMPAIRED');
    } finally {
      over.abort(new Error('the health check is over'));
      await limit.catch(() => {});
    }
  }

  #set(status: InstanceStatus['status']): void {
    const now = this.#clock.now();
    const lastChangedAt = status === this.#status.status ? this.#status.lastChangedAt : now;
    this.#status = { status, lastUpdatedAt: now, lastChangedAt };
    this.#reported = false;
  }
}
