import type { Logger } from 'pino';
import { Backoff } from './async/backoff.ts';
import { sleep } from './async/deadline.ts';
import { type ContainerRuntime, LABEL_TASK_ARN, type ListedContainer } from './runtime/runtime.ts';
import type { MetaKey, Store, StoreChange, StoredState } from './store/store.ts';
import { parseTaskCopy, type TaskCopy } from './store/task-copy.ts';
import { compareContainerStatus } from './task/statuses.ts';
import type { ContainerState, TaskState } from './task/task-state.ts';

/** What this instance is, as far as it is known before the store is. */
export interface HostNow {
  /** The kernel's id of the present boot. */
  readonly bootId: string;
  readonly cluster: string;
  readonly ec2InstanceId?: string;
}

/** Whether the store may have lost records of tasks: it is new, was set aside, or a record was not readable. */
export function mayHaveLostTasks({ meta, setAside, quarantined }: StoredState): boolean {
  return !meta.has('container-instance-arn') || setAside !== undefined || quarantined.length > 0;
}

/** All containers of the instance, however long it takes: without them nobody knows what it is. */
export async function listPatiently(
  runtime: ContainerRuntime,
  logger: Logger,
  signal: AbortSignal,
): Promise<readonly ListedContainer[]> {
  const backoff = new Backoff({ minMs: 200, maxMs: 5_000, factor: 2, jitter: 0.2 });
  for (;;) {
    try {
      return await runtime.listContainers({
        signal: AbortSignal.any([signal, AbortSignal.timeout(LIST_MS)]),
      });
    } catch (error) {
      signal.throwIfAborted();
      logger.warn({ err: error }, 'cannot look for containers of lost tasks; trying again');
    }
    await sleep(backoff.next(), signal);
  }
}

const LIST_MS = 60_000;

/**
 * Brings back tasks that the store has lost, from the copies of their records that their containers carry, with
 * the registration of the instance if that is lost too (docs/adr/0003-lost-state.md). Only tasks of this boot of
 * this instance in this cluster: others may live elsewhere, and this is a copy of their disk. What became of the
 * tasks since their copies were made is found out as after any crash: by a look at their containers. What is not
 * brought back here is stopped and told by the engine.
 */
export async function bringBackTasks(
  store: Store,
  stored: StoredState,
  listed: readonly ListedContainer[],
  host: HostNow,
  logger: Logger,
): Promise<StoredState> {
  const known = new Set(stored.tasks.map(({ spec }) => spec.arn));
  const copies = listed
    .flatMap((container) => readCopy(container, logger))
    .filter(({ task, meta }) => !known.has(task.spec.arn) && isOurs(meta, stored.meta, host));
  const newest = copies.toSorted((a, b) => b.at - a.at)[0];
  if (newest === undefined) return stored;
  const instance = stored.meta.get(INSTANCE) ?? newest.meta.get(INSTANCE);
  const own = copies.filter(({ meta }) => meta.get(INSTANCE) === instance);
  const tasks = [...Map.groupBy(own, ({ task }) => task.spec.arn).values()].map(joinCopies);
  const meta = new Map([...newest.meta, ...stored.meta]);
  const changes: StoreChange[] = [
    ...[...meta].map(([key, value]) => ({ kind: 'putMeta', key, value }) as const),
    ...tasks.map((task) => ({ kind: 'putTask', task }) as const),
  ];
  await store.commit(changes);
  for (const { spec } of tasks)
    logger.warn({ task: spec.arn }, 'the record of a task was lost; it is gone on with from its containers');
  return { ...stored, tasks: [...stored.tasks, ...tasks], meta };
}

const INSTANCE = 'container-instance-arn';

function readCopy({ id, labels, keepsake }: ListedContainer, logger: Logger): readonly TaskCopy[] {
  if (keepsake === undefined) return [];
  try {
    const copy = parseTaskCopy(keepsake);
    if (copy.task.spec.arn !== labels[LABEL_TASK_ARN]) throw new Error('it is of another task');
    return [copy];
  } catch (error) {
    logger.warn(
      { err: error, containerId: id },
      'the copy of its task that a container carries is not readable',
    );
    return [];
  }
}

/** Without an instance id on either side the boot alone tells. */
function isOurs(
  copied: ReadonlyMap<MetaKey, string>,
  stored: ReadonlyMap<MetaKey, string>,
  host: HostNow,
): boolean {
  const instance = copied.get(INSTANCE);
  const ec2 = copied.get('ec2-instance-id') ?? host.ec2InstanceId;
  return (
    instance !== undefined &&
    instance === (stored.get(INSTANCE) ?? instance) &&
    copied.get('boot-id') === host.bootId &&
    copied.get('cluster-name') === host.cluster &&
    ec2 === (host.ec2InstanceId ?? ec2)
  );
}

/**
 * The newest copy, with each container as far on its way as any copy has it. The reports that were waiting are
 * lost with the store: the task's status is told once more.
 */
function joinCopies(copies: readonly TaskCopy[]): TaskState {
  const byAge = copies.toSorted((a, b) => b.at - a.at).map(({ task }) => task);
  const [newest] = byAge;
  if (newest === undefined) throw new Error('a task has at least one copy');
  const furthest = ({ name }: ContainerState) =>
    byAge
      .flatMap(({ containers }) => containers.filter((container) => container.name === name))
      .reduce((best, next) => (compareContainerStatus(next.known, best.known) > 0 ? next : best));
  return {
    ...newest,
    containers: newest.containers.map(furthest),
    reportedStatus: 'NONE',
    unsettledReports: 0,
  };
}
