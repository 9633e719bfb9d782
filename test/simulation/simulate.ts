import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** Histories of the seeds from `seed` on. */
export interface Share {
  readonly seed: number;
  readonly histories: number;
}

/** What one share gave. */
export interface ShareResult {
  /** How many histories had so many events, by that number; the same for containers. */
  readonly byEvents: ReadonlyMap<number, number>;
  readonly byContainers: ReadonlyMap<number, number>;
  readonly failedSeeds: readonly number[];
}

export interface SimulationResult {
  readonly histories: number;
  readonly medianEvents: number;
  readonly medianContainers: number;
  readonly failedSeeds: readonly number[];
}

/** Small enough that no thread is left alone with the rest. */
const SHARE = 2000;
/** After so many failures there is nothing to learn from more. */
const MOST_FAILURES = 20;

/** Runs histories on all processors. `onProgress` hears how many are done. */
export async function simulate(
  { seed, histories }: Share,
  onProgress: (done: number) => void = () => {},
): Promise<SimulationResult> {
  const results: ShareResult[] = [];
  let next = 0;
  let done = 0;
  let failures = 0;
  const oneThread = async () => {
    const worker = new Worker(new URL('./history-worker.ts', import.meta.url));
    try {
      while (next < histories && failures < MOST_FAILURES) {
        const share = { seed: seed + next, histories: Math.min(SHARE, histories - next) };
        next += share.histories;
        const result = await resultOf(worker, share);
        results.push(result);
        failures += result.failedSeeds.length;
        done += share.histories;
        onProgress(done);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, oneThread));
  return {
    histories: done,
    medianEvents: medianOf(results.map(({ byEvents }) => byEvents)),
    medianContainers: medianOf(results.map(({ byContainers }) => byContainers)),
    failedSeeds: results.flatMap(({ failedSeeds }) => failedSeeds).sort((a, b) => a - b),
  };
}

function resultOf(worker: Worker, share: Share): Promise<ShareResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ShareResult>();
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.postMessage(share);
  return promise.finally(() => {
    worker.off('message', resolve);
    worker.off('error', reject);
  });
}

function medianOf(counts: readonly ReadonlyMap<number, number>[]): number {
  const all = new Map<number, number>();
  for (const count of counts)
    for (const [value, times] of count) all.set(value, (all.get(value) ?? 0) + times);
  let left = [...all.values()].reduce((sum, times) => sum + times, 0) / 2;
  for (const [value, times] of [...all].sort(([a], [b]) => a - b)) {
    left -= times;
    if (left <= 0) return value;
  }
  return 0;
}
