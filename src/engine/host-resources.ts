import { abortable } from '../async/abortable.ts';
import {
  demandOf,
  type HostCapacity,
  type HostDemand,
  type HostWait,
  isCounted,
  shortageOf,
} from '../task/host-resources.ts';
import type { TaskArn } from '../task/ids.ts';
import type { TaskSpec } from '../task/task-spec.ts';

interface Waiting {
  readonly demand: HostDemand;
  /** Present while the task's worker waits for its turn. */
  turn?: PromiseWithResolvers<void>;
}

const UNLIMITED: HostCapacity = {
  cpuUnits: Number.POSITIVE_INFINITY,
  memoryMiB: Number.POSITIVE_INFINITY,
  reservedPorts: { tcp: [], udp: [] },
  gpus: [],
};

/**
 * Who has how much of the host, and who waits for it: first come, first served, without overtaking
 * (task-engine.md §9). Kept in memory only; what a task has been given stands in its record.
 */
export class HostResources {
  readonly #capacity: HostCapacity;
  readonly #held = new Map<TaskArn, HostDemand>();
  /** In the order of arrival. */
  readonly #queue = new Map<TaskArn, Waiting>();

  constructor(capacity: HostCapacity = UNLIMITED) {
    this.#capacity = capacity;
  }

  /** For a task that was given its share by an earlier run of the agent, whether or not there is room now. */
  hold(spec: TaskSpec): void {
    if (isCounted(spec)) this.#held.set(spec.arn, demandOf(spec));
  }

  /** Gives a task its place in the queue. */
  enqueue(spec: TaskSpec): void {
    if (isCounted(spec) && !this.#held.has(spec.arn) && !this.#queue.has(spec.arn))
      this.#queue.set(spec.arn, { demand: demandOf(spec) });
  }

  /** Resolves when the task has its share. May be called again; then it has it at once. */
  async take(spec: TaskSpec, signal: AbortSignal): Promise<void> {
    this.enqueue(spec);
    const waiting = this.#queue.get(spec.arn);
    if (waiting === undefined) return;
    const turn = Promise.withResolvers<void>();
    waiting.turn = turn;
    this.#serve();
    try {
      await abortable(turn.promise, signal);
    } finally {
      if (waiting.turn === turn) delete waiting.turn;
    }
  }

  /** The task is over, or was never taken in: what it has or waits for is free for others. */
  release(arn: TaskArn): void {
    if (this.#held.delete(arn) || this.#queue.delete(arn)) this.#serve();
  }

  /** What the task waits for; undefined when it does not. */
  waitOf(arn: TaskArn): HostWait | undefined {
    const waiting = this.#queue.get(arn);
    if (waiting === undefined) return undefined;
    const [first] = this.#queue.keys();
    if (first !== undefined && first !== arn) return { kind: 'behind', task: first };
    const shortage = shortageOf(waiting.demand, this.#capacity, this.#held);
    return shortage && { kind: 'short', shortage };
  }

  #serve(): void {
    for (const [arn, { demand, turn }] of this.#queue) {
      // One whose worker is not there yet keeps its place.
      if (turn === undefined || shortageOf(demand, this.#capacity, this.#held) !== undefined) return;
      this.#queue.delete(arn);
      this.#held.set(arn, demand);
      turn.resolve();
    }
  }
}
