import type { ContainerStateChange, TaskStateChange } from '../../wire/ecs-api.ts';
import type { TaskContainer, TaskRecord } from '../state/records.ts';

/**
 * What an agent's report makes of a task (ecs-api.md §D4). Statuses move forward only:
 *
 *   PROVISIONING → PENDING → RUNNING → STOPPED
 *
 * A repeat, a step back and anything about a STOPPED task change nothing.
 */
export function applyTaskReport(task: TaskRecord, report: TaskStateChange, nowMs: number): TaskRecord {
  if (task.lastStatus === 'STOPPED') return task;
  const containers = task.containers.map((container) =>
    withManagedAgents(withReports(container, report.containers ?? []), report, nowMs),
  );
  const reported: TaskRecord = {
    ...task,
    version: task.version + 1,
    containers,
    connectedAt: task.connectedAt ?? nowMs,
    pullStartedAt: report.pullStartedAt ?? task.pullStartedAt,
    pullStoppedAt: report.pullStoppedAt ?? task.pullStoppedAt,
    executionStoppedAt: report.executionStoppedAt ?? task.executionStoppedAt,
  };
  switch (report.status) {
    case 'RUNNING':
      return essentialEnded(
        {
          ...reported,
          lastStatus: 'RUNNING',
          startedAt: task.startedAt ?? nowMs,
        },
        nowMs,
      );
    case 'STOPPED':
      return stopped(essentialEnded(reported, nowMs), report.reason ?? '', nowMs);
    default:
      return reported;
  }
}

/** Marks a task as wanted STOPPED by its user; the agent has yet to stop it. */
export function stopRequested(task: TaskRecord, reason: string | undefined, nowMs: number): TaskRecord {
  return {
    ...task,
    version: task.version + 1,
    desiredStatus: 'STOPPED',
    stoppingAt: task.stoppingAt ?? nowMs,
    stopCode: task.stopCode ?? 'UserInitiated',
    stoppedReason: task.stoppedReason ?? reason ?? 'Task stopped by user',
  };
}

/** What a report about attachments makes of a task that waits for its ENI; the same task when it says nothing new. */
export function withAttachment(
  task: TaskRecord,
  attachments: readonly { readonly attachmentArn: string; readonly status: string }[],
): TaskRecord {
  const { networkInterface } = task;
  const isNews = attachments.some(
    ({ attachmentArn, status }) =>
      status === 'ATTACHED' &&
      attachmentArn === networkInterface?.attachmentArn &&
      networkInterface.status === 'ATTACHING',
  );
  if (networkInterface === undefined || !isNews || task.lastStatus !== 'PROVISIONING') return task;
  return {
    ...task,
    version: task.version + 1,
    lastStatus: 'PENDING',
    networkInterface: { ...networkInterface, status: 'ATTACHED' },
  };
}

/** Ends a task whose agent has not seen its ENI in time. */
export function attachmentTimedOut(task: TaskRecord, nowMs: number): TaskRecord {
  return stopped(task, 'Timeout waiting for network interface provisioning to complete.', nowMs);
}

/** Ends a task whose agent will not report any more. */
export function abandoned(task: TaskRecord, reason: string, nowMs: number): TaskRecord {
  return stopped(stopRequested(task, reason, nowMs), '', nowMs);
}

/** Takes over what health checks found (tcs.md §9); the same task when nothing changed. */
export function withHealth(task: TaskRecord, statusOf: (name: string) => string | undefined): TaskRecord {
  const containers = task.containers.map((container) => ({
    ...container,
    healthStatus: statusOf(container.name) ?? container.healthStatus,
  }));
  const changed = containers.some(
    ({ healthStatus }, index) => healthStatus !== task.containers[index]?.healthStatus,
  );
  return changed ? { ...task, version: task.version + 1, containers } : task;
}

function essentialEnded(task: TaskRecord, nowMs: number): TaskRecord {
  const ended = task.containers.some(({ essential, lastStatus }) => essential && lastStatus === 'STOPPED');
  if (!ended || task.startedAt === undefined || task.stopCode !== undefined) return task;
  return {
    ...task,
    desiredStatus: 'STOPPED',
    stoppingAt: nowMs,
    stopCode: 'EssentialContainerExited',
    stoppedReason: 'Essential container in task exited',
  };
}

function stopped(task: TaskRecord, reason: string, nowMs: number): TaskRecord {
  const ran = task.startedAt !== undefined;
  const fallback = ran ? 'Essential container in task exited' : 'Task failed to start';
  const ownReason = task.stopCode === 'UserInitiated' ? task.stoppedReason : undefined;
  return {
    ...task,
    lastStatus: 'STOPPED',
    desiredStatus: 'STOPPED',
    stoppingAt: task.stoppingAt ?? nowMs,
    stoppedAt: nowMs,
    stopCode: task.stopCode ?? (ran ? 'EssentialContainerExited' : 'TaskFailedToStart'),
    stoppedReason: ownReason ?? (reason === '' ? fallback : reason),
    containers: task.containers.map((container) => ({ ...container, lastStatus: 'STOPPED' })),
    ...(task.networkInterface !== undefined && {
      networkInterface: { ...task.networkInterface, status: 'DELETED' },
    }),
  };
}

/** A container may stand twice in one report, RUNNING then STOPPED (OBS-07). */
function withReports(container: TaskContainer, changes: readonly ContainerStateChange[]): TaskContainer {
  let seen = container;
  for (const change of changes) {
    if (change.containerName !== container.name) continue;
    seen = {
      ...seen,
      lastStatus: later(seen.lastStatus, change.status),
      imageDigest: change.imageDigest ?? seen.imageDigest,
      runtimeId: change.runtimeId ?? seen.runtimeId,
      exitCode: change.exitCode ?? seen.exitCode,
      reason: change.reason ?? seen.reason,
      networkBindings: change.networkBindings ?? seen.networkBindings,
    };
  }
  return seen;
}

const ORDER = ['PENDING', 'RUNNING', 'STOPPED'] as const;

function later(seen: TaskContainer['lastStatus'], told: string | undefined): TaskContainer['lastStatus'] {
  const status = ORDER.find((name) => name === told);
  return status !== undefined && ORDER.indexOf(status) > ORDER.indexOf(seen) ? status : seen;
}

function withManagedAgents(container: TaskContainer, report: TaskStateChange, nowMs: number): TaskContainer {
  const changes = (report.managedAgents ?? []).filter((change) => change.containerName === container.name);
  if (changes.length === 0) return container;
  const agents = new Map((container.managedAgents ?? []).map((agent) => [agent.name, agent]));
  for (const change of changes) {
    agents.set(change.managedAgentName, {
      name: change.managedAgentName,
      lastStatus: change.status,
      reason: change.reason,
      lastStartedAt: change.status === 'RUNNING' ? nowMs : agents.get(change.managedAgentName)?.lastStartedAt,
    });
  }
  return { ...container, managedAgents: [...agents.values()] };
}
