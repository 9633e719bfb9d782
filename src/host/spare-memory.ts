import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import koffi from 'koffi';

const LOOK_MS = 3_000;
/** Between two times at least. */
const PAUSE_MS = 30_000;
/** So much more than after the last time makes it worth the 20 ms that it takes, bytes. */
const WORTH_BYTES = 4 << 20;
/** Share of the time in which this process is taken to be busy. */
const BUSY = 0.1;

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

const mallocTrim = koffi.load('libc.so.6').func('int malloc_trim(size_t pad)');

/**
 * Gives back to the system, from now on and whenever there is nothing else to do, what a start or many tasks at once
 * took and nobody needs any more: V8 and malloc keep that in case. Of an agent at rest it is a tenth.
 */
export function giveBackSpareMemory(): void {
  const collect = collector();
  let least = 0;
  let lastAt = Number.NEGATIVE_INFINITY;
  let before = performance.eventLoopUtilization();
  const look = () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (utilization > BUSY || performance.now() - lastAt < PAUSE_MS) return;
    if (process.memoryUsage.rss() < least + WORTH_BYTES) return;
    collect({ type: 'major', flavor: 'last-resort' });
    mallocTrim(0);
    least = process.memoryUsage.rss();
    lastAt = performance.now();
  };
  setInterval(look, LOOK_MS).unref();
}

/** V8's collector, which is there for those who ask by a flag. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
