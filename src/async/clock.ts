/** Time as a class with timers sees it; tests hand in one that they move by hand. */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Runs `run` once after `ms`; the returned function takes it back. */
  after(ms: number, run: () => void): () => void;
}

/**
 * Epoch ms that go on evenly for as long as the process lives: the machine's time at its start and what has passed
 * since. Waits count by it, so that a clock that is set makes none of them shorter or longer.
 */
export function steadyNow(): number {
  return Math.round(performance.timeOrigin + performance.now());
}

/** Below it the difference between two clocks is no setting of one. */
const SET_MS = 1000;

/**
 * What the machine's clock, as it is set now, says of a moment that was counted by `steadyNow`; for those who are told
 * when something was. Both are epoch ms.
 */
export function wallTimeOf(steadyMs: number): number {
  const setByMs = Date.now() - steadyNow();
  return Math.abs(setByMs) < SET_MS ? steadyMs : steadyMs + setByMs;
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Waits `ms` on that clock, or rejects with the signal's reason. */
export async function sleepOn(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const cancel = clock.after(ms, resolve);
  try {
    await promise;
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
