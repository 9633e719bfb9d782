import { parentPort } from 'node:worker_threads';
import { Choices } from './choices.ts';
import { History } from './history.ts';
import { SOUND_RULES } from './planted-bugs.ts';
import type { Share, ShareResult } from './simulate.ts';

// Errors are part of every history, and nobody reads where they were made.
Error.stackTraceLimit = 0;

/** Thread of `simulate`: runs the shares that it is sent. */
parentPort?.on('message', (share: Share) => parentPort?.postMessage(run(share)));

function run({ seed, histories }: Share): ShareResult {
  const byEvents = new Map<number, number>();
  const byContainers = new Map<number, number>();
  const failedSeeds: number[] = [];
  for (let at = seed; at < seed + histories; at += 1) {
    const { events, containers, violation } = new History(Choices.fromSeed(at), SOUND_RULES).run();
    byEvents.set(events, (byEvents.get(events) ?? 0) + 1);
    byContainers.set(containers, (byContainers.get(containers) ?? 0) + 1);
    if (violation !== undefined) failedSeeds.push(at);
  }
  return { byEvents, byContainers, failedSeeds };
}
