import type { Logger } from 'pino';
import {
  type ContainerExit,
  LABEL_CONTAINER_NAME,
  LABEL_TASK_ARN,
  type ListedContainer,
} from '../runtime/runtime.ts';
import type { QueuedReport, Store } from '../store/store.ts';
import { renderReason } from '../task/errors.ts';
import { type ContainerId, type TaskArn, type TaskId, taskArn, taskIdOf } from '../task/ids.ts';
import { isPauseName } from '../task/internal-containers.ts';
import type { ContainerReport, StateReport } from '../task/report.ts';
import { deadlinesOf, type StepPorts } from './step-context.ts';
import { transitionWithin } from './timed-out.ts';

export interface LostTasksDependencies {
  readonly ports: Pick<StepPorts, 'runtime' | 'settings' | 'now'>;
  readonly store: Store;
  readonly logger: Logger;
  enqueueReport(queued: QueuedReport): void;
  /** All of one task is stopped and told; what else was kept for it may be swept. */
  onEnded(): void;
}

const REASON =
  'TaskStateError: The agent lost its record of this task with its state database, and has stopped its containers';

/**
 * Ends tasks that run but that the store does not know, because its database was deleted or damaged: they are
 * stopped as their images ask, told to ECS as STOPPED by their labels, then removed; in this order, as the labels
 * are all that is left of them. Those whose containers carry a copy of the record are brought back before the
 * engine starts and never come here (docs/adr/0003-lost-state.md).
 */
export class LostTasks {
  readonly #deps: LostTasksDependencies;
  readonly #ending = new Map<TaskArn, Promise<void>>();
  readonly #containers = new Set<ContainerId>();

  constructor(deps: LostTasksDependencies) {
    this.#deps = deps;
  }

  isEnding(id: ContainerId): boolean {
    return this.#containers.has(id);
  }

  isEndingTask(id: TaskId): boolean {
    return [...this.#ending.keys()].some((arn) => taskIdOf(arn) === id);
  }

  /**
   * Begins to end the tasks of those that are not known, and gives those that it leaves to be removed as they
   * are: what did not run in this boot may be a copy of another instance's disk, whose tasks are not ours to
   * tell of.
   */
  end(unknown: readonly ListedContainer[], signal: AbortSignal): readonly ListedContainer[] {
    const byTask = Map.groupBy(unknown, ({ labels }) => labels[LABEL_TASK_ARN] ?? '');
    const left: ListedContainer[] = [];
    for (const [label, containers] of byTask) {
      const ran = containers.some(({ observation: { state } }) => state === 'running' || state === 'exited');
      if (!ran || label === '') left.push(...containers);
      else this.#begin(taskArn(label), containers, signal);
    }
    return left;
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#ending.values());
  }

  #begin(arn: TaskArn, containers: readonly ListedContainer[], signal: AbortSignal): void {
    if (this.#ending.has(arn)) return;
    for (const { id } of containers) this.#containers.add(id);
    const log = this.#deps.logger.child({ task: arn });
    log.error({ containers: containers.length }, 'stopping a task that the store does not know');
    const ending = this.#end(arn, containers, signal).then(
      () => true,
      (error: unknown) => {
        if (!signal.aborted) log.warn({ err: error }, 'cannot end the task; trying again later');
        return false;
      },
    );
    const ended = ending.then((done) => {
      this.#ending.delete(arn);
      for (const { id } of containers) this.#containers.delete(id);
      if (done) this.#deps.onEnded();
    });
    this.#ending.set(arn, ended);
  }

  async #end(arn: TaskArn, containers: readonly ListedContainer[], signal: AbortSignal): Promise<void> {
    const { ports, store, enqueueReport } = this.#deps;
    const killAtMs = ports.now() + ports.settings.stopTimeoutMs;
    const stop = ({ id }: ListedContainer) =>
      transitionWithin(
        'stopped',
        ports.settings.stopTimeoutMs + deadlinesOf(ports).stopMarginMs,
        signal,
        (within) => ports.runtime.stopContainer(id, { killAtMs }, { signal: within }),
      );
    const stopped = await Promise.all(
      containers
        .filter((container) => !holdsNamespaces(container))
        .map(async (container) => ({ container, exit: await stop(container) })),
    );
    // With it would end what shares its namespaces.
    for (const container of containers.filter(holdsNamespaces)) await stop(container);
    const report: StateReport = {
      task: arn,
      status: 'STOPPED',
      reason: REASON,
      containers: stopped.map(({ container, exit }) => containerReport(container, exit)),
    };
    const [id] = await store.commit([{ kind: 'enqueueReport', report }]);
    if (id !== undefined) enqueueReport({ id, report });
    for (const { id: container } of containers)
      await transitionWithin('removing', deadlinesOf(ports).removeMs, signal, (within) =>
        ports.runtime.removeContainer(container, { signal: within }),
      );
  }
}

function holdsNamespaces({ labels }: ListedContainer): boolean {
  return isPauseName(labels[LABEL_CONTAINER_NAME] ?? '');
}

function containerReport({ id, labels }: ListedContainer, exit: ContainerExit | undefined): ContainerReport {
  return {
    containerName: labels[LABEL_CONTAINER_NAME] ?? '',
    status: 'STOPPED',
    runtimeId: id,
    ...(exit?.exitCode !== undefined && { exitCode: exit.exitCode }),
    ...(exit?.detail !== undefined && {
      reason: renderReason({ code: 'DockerStateError', message: exit.detail }),
    }),
  };
}
