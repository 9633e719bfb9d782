import type { ContainerId } from '../../task/ids.ts';
import { FifoHolds } from '../fifo-holds.ts';
import type { LogConfig } from '../log-config.ts';
import type { ContainerLogPaths } from '../log-paths.ts';

/** A log that was not taken up again because the values of its secret options are not here. */
interface WaitingLog {
  readonly config: LogConfig;
  readonly paths: ContainerLogPaths;
  /** Its container has ended. */
  finished: boolean;
  removal?: NodeJS.Timeout;
  /** How often it was asked for since an agent came, and when it is again; ms of the monotonic clock. */
  asked: number;
  askAt: number;
  /** Why an agent had nothing, as it was told last. */
  why?: string;
}

/** The first wait for an answer; every other one is twice as long as the one before. */
const ASK_INTERVAL_MS = 5_000;
const LONGEST_INTERVAL_MS = 5 * 60_000;

/**
 * Logs of an earlier run that wait for secret values, which the agent is asked for until they come: after a restart
 * of the host, or of this service where nothing of them is kept. Their FIFOs keep a reader meanwhile, so that a
 * writer waits and nothing is lost.
 */
export class WaitingLogs {
  readonly #logs = new Map<ContainerId, WaitingLog>();
  readonly #holds = new FifoHolds();
  readonly #ask: (config: LogConfig) => void;

  /** `ask` tells the agents that are connected, if any. */
  constructor(ask: (config: LogConfig) => void) {
    this.#ask = ask;
    setInterval(() => this.#askDue(), ASK_INTERVAL_MS).unref();
  }

  get size(): number {
    return this.#logs.size;
  }

  has(id: ContainerId): boolean {
    return this.#logs.has(id);
  }

  /** Holds its FIFOs, where they still are, and asks. Waits already: nothing. */
  add(config: LogConfig, paths: ContainerLogPaths): void {
    const { id } = config.container;
    if (this.#logs.has(id)) return;
    this.#logs.set(id, { config, paths, finished: false, asked: 0, askAt: 0 });
    this.#holds.hold(id, paths.fifos);
    this.#askDue();
  }

  /** Asks for all that is missing, at once. */
  askAgain(): void {
    for (const waiting of this.#logs.values()) {
      waiting.asked = 0;
      waiting.askAt = 0;
    }
    this.#askDue();
  }

  /** Whether an agent's refusal says something new. */
  isNews(id: ContainerId, why: string): boolean {
    const waiting = this.#logs.get(id);
    if (waiting === undefined || waiting.why === why) return false;
    waiting.why = why;
    return true;
  }

  /** The container has ended: so will its log once it is taken up. */
  finish(id: ContainerId): void {
    const waiting = this.#logs.get(id);
    if (waiting !== undefined) waiting.finished = true;
  }

  /** The container is gone; after `leftMs` the log is too. */
  giveUpAfter(id: ContainerId, leftMs: number, giveUp: () => void): void {
    const waiting = this.#logs.get(id);
    if (waiting !== undefined) waiting.removal ??= setTimeout(giveUp, Math.max(0, leftMs));
  }

  /** It is about to be taken up, or to be deleted; gives whether its container has ended. */
  release(id: ContainerId): boolean {
    const waiting = this.#logs.get(id);
    clearTimeout(waiting?.removal);
    this.#logs.delete(id);
    return waiting?.finished === true;
  }

  #askDue(): void {
    const now = performance.now();
    for (const waiting of this.#logs.values()) {
      if (waiting.askAt > now) continue;
      waiting.askAt = now + Math.min(LONGEST_INTERVAL_MS, ASK_INTERVAL_MS * 2 ** waiting.asked);
      waiting.asked += 1;
      this.#ask(waiting.config);
    }
  }

  /** Lets go of the FIFOs, which somebody else reads now, or which are to go. */
  letGo(id: ContainerId): void {
    this.#holds.release(id);
  }
}
