import type { Logger } from 'pino';
import type { Store, StoreChange, StoredState } from './store/store.ts';
import type { TaskRules } from './task/event.ts';
import { reduce } from './task/reduce.ts';
import { transitionsOf } from './task/timeline.ts';

export interface Boot {
  /** The kernel's id of the present boot. */
  readonly id: string;
  /** The runtime tells by itself how containers ended with the former boot. */
  readonly runtimeRemembers: boolean;
  /** Epoch ms. */
  readonly now: number;
}

/**
 * Ends what ran when the host restarted, and remembers the present boot; both in one transaction, before anything
 * else is done for the tasks: process ids and cgroups of the former boot mean nothing any more, and the runtime
 * still has records of containers that it can neither stop nor start. Without a remembered boot nothing is ended.
 */
export async function endFormerBoot(
  store: Store,
  stored: StoredState,
  boot: Boot,
  rules: TaskRules,
  logger: Logger,
): Promise<StoredState> {
  const former = stored.meta.get('boot-id');
  if (former === boot.id) return stored;
  const restarted = former !== undefined && !boot.runtimeRemembers;
  const moved = stored.tasks.map((task) =>
    restarted ? reduce(task, { kind: 'hostRestarted' }, boot.now, rules) : { state: task, reports: [] },
  );
  const reports = moved.flatMap((task) => task.reports);
  const changes: StoreChange[] = [
    ...moved
      .filter(({ state }, index) => state !== stored.tasks[index])
      .map(({ state }) => ({ kind: 'putTask', task: state }) as const),
    ...stored.tasks.flatMap((task, index) => {
      const after = moved[index]?.state ?? task;
      const transitions = transitionsOf(task, after, { kind: 'hostRestarted' }, boot.now);
      return transitions.length === 0
        ? []
        : [{ kind: 'appendTimeline', arn: task.spec.arn, transitions } as const];
    }),
    ...reports.map((report) => ({ kind: 'enqueueReport', report }) as const),
    { kind: 'putMeta', key: 'boot-id', value: boot.id },
  ];
  if (former !== undefined)
    logger.warn({ former, bootId: boot.id, tasks: stored.tasks.length }, 'the host has restarted');
  const ids = await store.commit(changes);
  return {
    ...stored,
    tasks: moved.map(({ state }) => state),
    outbox: [
      ...stored.outbox,
      ...reports.flatMap((report, index) => {
        const id = ids[index];
        return id === undefined ? [] : [{ id, report }];
      }),
    ],
  };
}
