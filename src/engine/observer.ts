import type { Logger } from 'pino';
import { Backoff } from '../async/backoff.ts';
import { sleep } from '../async/deadline.ts';
import type { ListedContainer } from '../runtime/runtime.ts';
import type { ContainerId } from '../task/ids.ts';
import type { ContainerStatus } from '../task/statuses.ts';
import { deadlinesOf, type StepPorts } from './step-context.ts';
import { transitionWithin } from './timed-out.ts';

/** Level over edge: everything is looked at again on this clock (ENG-81). */
const REOBSERVE_MS = 5 * 60_000;
const REOBSERVE_SPREAD_MS = 30_000;
const RETRY = { minMs: 200, maxMs: 30_000, factor: 2, jitter: 0.2 };

/** What the observer looks at, and whom it tells. */
export interface ObserverDependencies {
  readonly ports: StepPorts;
  readonly logger: Logger;
  /** All containers that are remembered, each with what is known of it. */
  known(): ReadonlyMap<ContainerId, ContainerStatus>;
  /** What the runtime has, and what was known before it was asked. */
  onListed(listed: readonly ListedContainer[], knownBefore: ReadonlyMap<ContainerId, ContainerStatus>): void;
  /** Removes what nobody knows; takes as long as it takes. */
  sweep(listed: readonly ListedContainer[]): Promise<void>;
}

/**
 * Compares what the runtime has with what is remembered: when asked to, and on a timer. Looks follow one another;
 * one that fails is tried again until it works. Sweeps run beside them, so that something that cannot be removed
 * keeps nobody from being looked at.
 */
export class Observer {
  readonly #deps: ObserverDependencies;
  readonly #signal: AbortSignal;
  #asked = Promise.withResolvers<void>();
  #sweep: Promise<void> | undefined;
  /** What the last look found, until it is swept. */
  #listed: readonly ListedContainer[] | undefined;

  constructor(deps: ObserverDependencies, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#asked.resolve(), { once: true });
  }

  /** Asks for a look at everything that begins after this call. */
  ask(): void {
    this.#asked.resolve();
  }

  /** Looks whenever it is asked to, and every five minutes; ends with the signal. */
  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      await this.#untilDue();
      if (!this.#signal.aborted) await this.#look();
    }
    await this.#sweep;
  }

  async #untilDue(): Promise<void> {
    const timer = setTimeout(() => this.ask(), REOBSERVE_MS + Math.random() * REOBSERVE_SPREAD_MS);
    await this.#asked.promise;
    clearTimeout(timer);
    this.#asked = Promise.withResolvers<void>();
    if (this.#signal.aborted) this.#asked.resolve();
  }

  async #look(): Promise<void> {
    const { ports, logger } = this.#deps;
    const signal = this.#signal;
    const backoff = new Backoff(RETRY);
    while (!signal.aborted) {
      try {
        const known = this.#deps.known();
        const { listMs } = deadlinesOf(ports);
        const listed = await transitionWithin('listing', listMs, signal, (within) =>
          ports.runtime.listContainers({ signal: within }),
        );
        this.#deps.onListed(listed, known);
        this.#listed = listed;
        this.#sweep ??= this.#sweepAll();
        return;
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ err: error }, 'cannot look at all containers; trying again');
      }
      await sleep(backoff.next(), signal).catch(() => {});
    }
  }

  /** Sweeps until no look has found anything since the last sweep began. */
  async #sweepAll(): Promise<void> {
    for (let listed = this.#listed; listed !== undefined; listed = this.#listed) {
      this.#listed = undefined;
      try {
        await this.#deps.sweep(listed);
      } catch (error) {
        if (!this.#signal.aborted)
          this.#deps.logger.warn({ err: error }, 'what is left over could not all be removed');
      }
    }
    this.#sweep = undefined;
  }
}
