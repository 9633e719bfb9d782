import { taskIdOf } from '../../task/ids.ts';
import type { Transition } from '../../task/timeline.ts';
import type { Explanation } from '../../task/why.ts';
import type { AgentView, ConnectionView, TaskView } from './agent-view.ts';
import type { HealthResults, ProbeResult } from './health-probes.ts';

/** `GET /v1/agent`: our own; what the agent does and waits for right now. */
export function agentDocument(view: AgentView): unknown {
  return {
    version: view.version,
    cluster: view.cluster,
    containerInstanceArn: view.containerInstanceArn ?? null,
    acs: connection(view.acs),
    tcs: connection(view.tcs),
    runtime: view.runtime,
    outboxDepth: view.outbox.depth,
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
      why: task.why.map(explanation),
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

/** The one task that `name` means: its id, or the beginning of it that no other has. */
export function findTask(view: AgentView, name: string): TaskView | undefined {
  const found = view.tasks.filter(({ state }) => taskIdOf(state.spec.arn).startsWith(name));
  const exact = found.find(({ state }) => taskIdOf(state.spec.arn) === name);
  return exact ?? (found.length === 1 && name !== '' ? found[0] : undefined);
}

/** `GET /v1/tasks/ID/timeline`: every move so far, each with how long what it ended had lasted, and what is waited for. */
export function timelineDocument(task: TaskView, transitions: readonly Transition[]): unknown {
  const { state } = task;
  return {
    arn: state.spec.arn,
    desired: state.desired,
    known: state.known,
    transitions: transitions.map(({ at, lasted, ...move }) => ({
      at: isoTime(at),
      ...move,
      lastedMs: lasted,
    })),
    why: task.why.map(explanation),
  };
}

/** What was looked at to say whether the agent is well. */
interface Check {
  readonly ok: boolean;
  /** Whether the agent is ready without it. */
  readonly required: boolean;
  readonly since?: string;
  readonly ms?: number;
  readonly reason?: string;
}

export interface HealthDocument {
  readonly ok: boolean;
  readonly reasons: readonly string[];
  readonly checks: Readonly<Record<string, Check>>;
}

/** `GET /healthz`: whether the agent can do its work on this machine; ECS may be away. */
export function healthDocument(results: HealthResults): HealthDocument {
  return verdict({ runtime: probed(results.runtime), store: probed(results.store) });
}

/** `GET /readyz`: whether the agent takes tasks now: registered, told by ECS, and well. */
export function readyDocument(view: AgentView, results: HealthResults, now: number): HealthDocument {
  return verdict({
    registration: {
      ok: view.containerInstanceArn !== undefined,
      required: true,
      ...(view.containerInstanceArn === undefined && {
        reason: `the instance is not registered in cluster ${view.cluster} yet`,
      }),
    },
    acs: connected(view.acs, true, now),
    runtime: probed(results.runtime),
    store: probed(results.store),
    // Without it tasks run on; only their numbers do not arrive (tcs.md).
    tcs: connected(view.tcs, false, now),
  });
}

function verdict(checks: HealthDocument['checks']): HealthDocument {
  const reasons = Object.entries(checks)
    .filter(([, { ok, required }]) => !ok && required)
    .map(([name, { reason = 'not ok' }]) => `${name}: ${reason}`);
  return { ok: reasons.length === 0, reasons, checks };
}

function probed({ ok, ms, reason }: ProbeResult): Check {
  return { ok, required: true, ms, ...(reason !== undefined && { reason }) };
}

function connected(view: ConnectionView, required: boolean, now: number): Check {
  const since = view.since === undefined ? {} : { since: isoTime(view.since) };
  if (view.connected) return { ok: true, required, ...since };
  const age = view.since === undefined ? '' : ` for ${Math.max(0, Math.round((now - view.since) / 1000))} s`;
  const why = view.lastError === undefined ? '' : `: ${view.lastError}`;
  return { ok: false, required, ...since, reason: `not connected${age}${why}` };
}

function connection(view: ConnectionView): unknown {
  return {
    connected: view.connected,
    ...(view.lastMessageAt !== undefined && { lastMessageAt: isoTime(view.lastMessageAt) }),
    ...(view.lastError !== undefined && { lastError: view.lastError }),
  };
}

function explanation(wait: Explanation): unknown {
  return { ...wait, since: isoTime(wait.since) };
}

const isoTime = (epochMs: number) => new Date(epochMs).toISOString();
