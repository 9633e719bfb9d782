import { containerDisplayName, containerIdOf } from '../task/ids.ts';
import type { ContainerState } from '../task/task-state.ts';
import type { AgentView, TaskView } from './agent-view.ts';

/** `GET /v1/metadata` in the keys of the Amazon ECS agent. */
export function metadataDocument(view: AgentView): unknown {
  return {
    Cluster: view.cluster,
    ContainerInstanceArn: view.containerInstanceArn ?? null,
    Version: view.version,
  };
}

/** One task of `GET /v1/tasks`. */
export function taskDocument({ state }: TaskView): unknown {
  return {
    Arn: state.spec.arn,
    DesiredStatus: state.desired,
    KnownStatus: state.known,
    Family: state.spec.family,
    Version: state.spec.version,
    Containers: state.containers.map((container) => containerDocument(state.spec, container)),
  };
}

function containerDocument(spec: TaskView['state']['spec'], container: ContainerState): unknown {
  const id = containerIdOf(spec.arn, container.name, container.generation);
  const exists = container.createdAt !== undefined;
  return {
    DockerId: exists ? id : '',
    DockerName: exists ? containerDisplayName(spec.family, spec.version, container.name, id) : '',
    Name: container.name,
    Image: spec.containers.find((c) => c.name === container.name)?.image ?? '',
    ImageID: container.imageId ?? '',
    ...(container.createdAt !== undefined && { CreatedAt: isoTime(container.createdAt) }),
    ...(container.startedAt !== undefined && { StartedAt: isoTime(container.startedAt) }),
  };
}

/** Answer of `GET /v1/tasks?…` when nothing or too much was asked for (OBS-118). */
export const NO_TASK = { Arn: '', KnownStatus: '', Family: '', Version: '', Containers: null };

/** Which task the filters of `GET /v1/tasks` name; `dockerid` takes a short prefix (OBS-117). */
export function findTask(view: AgentView, query: URLSearchParams): TaskView | undefined {
  const arn = query.get('taskarn');
  if (arn !== null) return view.tasks.find((task) => task.state.spec.arn === arn);
  const prefix = query.get('dockerid') ?? query.get('shortid') ?? '';
  if (prefix === '') return undefined;
  return view.tasks.find(({ state }) =>
    state.containers.some((c) => containerIdOf(state.spec.arn, c.name, c.generation).startsWith(prefix)),
  );
}

/** `GET /v1/agent`: our own; what the agent does and waits for right now. */
export function agentDocument(view: AgentView): unknown {
  return {
    version: view.version,
    cluster: view.cluster,
    containerInstanceArn: view.containerInstanceArn ?? null,
    acs: {
      connected: view.acs.connected,
      ...(view.acs.lastMessageAt !== undefined && { lastMessageAt: isoTime(view.acs.lastMessageAt) }),
      ...(view.acs.lastError !== undefined && { lastError: view.acs.lastError }),
    },
    runtime: view.runtime,
    outboxDepth: view.outboxDepth,
    tasks: view.tasks.map((task) => ({
      arn: task.state.spec.arn,
      desired: task.state.desired,
      known: task.state.known,
      steps: task.underWay.map((step) => ({
        ...step,
        since: isoTime(step.since),
        ...(step.container !== undefined && { progress: task.progress.get(step.container) }),
      })),
      stuck: task.stuck.map((step) => ({ ...step, since: isoTime(step.since) })),
      why: task.why.map((wait) => ({ ...wait, since: isoTime(wait.since) })),
      containers: task.state.containers.map(({ name, known, exitCode, reason, remains, restarts }) => ({
        name,
        known,
        logComplete: remains === 'released' || remains === 'removed',
        ...(exitCode !== undefined && { exitCode }),
        ...(reason !== undefined && { reason }),
        ...(restarts !== undefined && { restarts: restarts.count }),
      })),
    })),
  };
}

const isoTime = (epochMs: number) => new Date(epochMs).toISOString();
