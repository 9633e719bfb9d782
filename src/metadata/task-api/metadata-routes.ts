import type { CredentialsStore } from '../../credentials/credentials-store.ts';
import type { TaskArn } from '../../task/ids.ts';
import { containerIdOf } from '../../task/ids.ts';
import type { TaskState } from '../../task/task-state.ts';
import { type Answer, jsonAnswer } from './answer.ts';
import {
  containersOf,
  type EndpointContainer,
  type EndpointScope,
  type EndpointTasks,
  isCreated,
} from './endpoint-tasks.ts';
import type { ProtectionCalls } from './protection-route.ts';
import { containerDocument, type InstanceView, type TagsView, taskDocument } from './task-documents.ts';

/** Measurements of containers, in the form of Docker's statistics (metadata-endpoints.md §5.2). */
export interface ContainerStatistics {
  /** `unwatched`: nothing is measured of that container, because it does not run or measuring is switched off. */
  latest(container: EndpointContainer): 'unwatched' | 'no sample yet' | object;
  /** Bytes a second over the last two samples, where there are two. */
  networkRates(container: EndpointContainer): object | undefined;
}

/** Looks up tags at ECS; failures are told in the result. */
export type ReadTags = (task: TaskArn) => Promise<TagsView>;

/** What answers are made from. */
export interface MetadataSources {
  readonly tasks: EndpointTasks;
  readonly store: CredentialsStore;
  instance(): InstanceView;
  readonly statistics: ContainerStatistics;
  readonly readTags: ReadTags;
  readonly protection: ProtectionCalls;
}

const NO_CONTAINER = 'unable to get container ID from request: unable to get docker ID from v3 endpoint ID: ';
const NO_TASK = 'unable to get task arn from request: unable to get task Arn from v3 endpoint ID: ';

/** v2: who asks is told by the connection alone, and only tasks with an address of their own are known. */
export const V2 = {
  async task(sources: MetadataSources, caller: Caller, withTags: boolean): Promise<Answer> {
    const task = sources.tasks.ofCaller(caller.scope);
    if (task === undefined) return notOfTask(caller);
    const tags = withTags ? await sources.readTags(task.spec.arn) : undefined;
    return jsonAnswer(200, taskDocument('v2', task, sources.instance(), tags));
  },

  container(sources: MetadataSources, caller: Caller, id: string): Answer {
    const task = sources.tasks.ofCaller(caller.scope);
    if (task === undefined) return notOfTask(caller);
    const container = containerByRuntimeId(task, id);
    return container === undefined
      ? jsonAnswer(400, `Unable to generate metadata for container '${id}'`)
      : jsonAnswer(200, containerDocument('v2', container, sources.instance()));
  },

  taskStats(sources: MetadataSources, caller: Caller): Answer {
    const task = sources.tasks.ofCaller(caller.scope);
    return task === undefined ? notOfTask(caller) : jsonAnswer(200, taskStatistics(sources, task, 'v2'));
  },

  containerStats(sources: MetadataSources, caller: Caller, id: string): Answer {
    const task = sources.tasks.ofCaller(caller.scope);
    if (task === undefined) return notOfTask(caller);
    const container = containerByRuntimeId(task, id);
    const found = container === undefined ? 'unwatched' : sources.statistics.latest(container);
    if (found === 'unwatched') return jsonAnswer(400, `Unable to get container stats for: ${id}`);
    return jsonAnswer(200, found === 'no sample yet' ? null : found);
  },
} as const;

interface Caller {
  readonly scope: EndpointScope;
  readonly remoteAddress: string;
}

/** v3 and v4: the path tells the container; each has its own statuses and texts for what is wrong (§4.1). */
export class PathVersion {
  readonly name: 'v3' | 'v4';
  readonly label: 'V3' | 'V4';
  readonly #unknown: { readonly metadata: number; readonly stats: number };

  constructor(name: 'v3' | 'v4', unknown: { readonly metadata: number; readonly stats: number }) {
    this.name = name;
    this.label = name === 'v3' ? 'V3' : 'V4';
    this.#unknown = unknown;
  }

  container({ tasks, instance }: MetadataSources, scope: EndpointScope, id: string): Answer {
    const container = tasks.find(scope, id);
    if (container === undefined)
      return jsonAnswer(
        this.#unknown.metadata,
        `${this.label} container metadata handler: ${NO_CONTAINER}${id}`,
      );
    return jsonAnswer(200, containerDocument(this.name, container, instance()));
  }

  async task(
    { tasks, instance, readTags }: MetadataSources,
    scope: EndpointScope,
    id: string,
    withTags: boolean,
  ): Promise<Answer> {
    const container = tasks.find(scope, id);
    if (container === undefined)
      return jsonAnswer(this.#unknown.metadata, `${this.label} task metadata handler: ${NO_TASK}${id}`);
    const tags = withTags ? await readTags(container.task.spec.arn) : undefined;
    return jsonAnswer(200, taskDocument(this.name, container.task, instance(), tags));
  }

  containerStats({ tasks, statistics }: MetadataSources, scope: EndpointScope, id: string): Answer {
    const container = tasks.find(scope, id);
    if (container === undefined)
      return jsonAnswer(this.#unknown.stats, `${this.label} container stats handler: ${NO_TASK}${id}`);
    const found = statistics.latest(container);
    if (found === 'unwatched')
      return jsonAnswer(
        this.name === 'v3' ? 400 : 500,
        `Unable to get container stats for: ${runtimeIdOf(container)}`,
      );
    return jsonAnswer(200, shownStatistics(statistics, container, this.name));
  }

  taskStats(sources: MetadataSources, scope: EndpointScope, id: string): Answer {
    const container = sources.tasks.find(scope, id);
    if (container === undefined)
      return jsonAnswer(this.#unknown.stats, `${this.label} task stats handler: ${NO_TASK}${id}`);
    return jsonAnswer(200, taskStatistics(sources, container.task, this.name));
  }
}

export const V3 = new PathVersion('v3', { metadata: 500, stats: 400 });
export const V4 = new PathVersion('v4', { metadata: 404, stats: 404 });

/** By runtime id; what is not measured is null, in v4 empty (§5.1). */
function taskStatistics(
  { statistics }: MetadataSources,
  task: TaskState,
  version: 'v2' | 'v3' | 'v4',
): unknown {
  return Object.fromEntries(
    containersOf(task)
      .filter(isCreated)
      .map((container) => [runtimeIdOf(container), shownStatistics(statistics, container, version)])
      .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
}

function shownStatistics(
  statistics: ContainerStatistics,
  container: EndpointContainer,
  version: 'v2' | 'v3' | 'v4',
): unknown {
  const found = statistics.latest(container);
  if (typeof found === 'string') return version === 'v4' ? {} : null;
  const rates = version === 'v4' ? statistics.networkRates(container) : undefined;
  return rates === undefined ? found : { ...found, network_rate_stats: rates };
}

function notOfTask({ remoteAddress }: Caller): Answer {
  return jsonAnswer(
    400,
    `Unable to get task arn from request: unable to associate '${remoteAddress}' with task`,
  );
}

function containerByRuntimeId(task: TaskState, id: string): EndpointContainer | undefined {
  return containersOf(task).find((container) => isCreated(container) && runtimeIdOf(container) === id);
}

function runtimeIdOf({ task, spec, state }: EndpointContainer): string {
  return containerIdOf(task.spec.arn, spec.name, state.generation);
}
