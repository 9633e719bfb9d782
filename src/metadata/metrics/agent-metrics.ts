import type { LogTotals } from '../../container-log/container-logs.ts';
import type { EngineMeasures, StepOutcome } from '../../engine/engine-measures.ts';
import type { Laziness } from '../../task/laziness.ts';
import type { StepKind } from '../../task/step.ts';
import type { TaskState } from '../../task/task-state.ts';
import type { Transition } from '../../task/timeline.ts';
import type { AgentView } from '../introspection/agent-view.ts';
import { Counter, expose, gauge, Histogram, type Labels, type Metric } from './exposition.ts';
import { logMetrics } from './log-metrics.ts';

const START_BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const CALL_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30];

/** What a container was on its way to while it was in the status before. */
const PHASES: ReadonlyMap<string, string> = new Map([
  ['MANIFEST_PULLED', 'resolve'],
  ['PULLED', 'pull'],
  ['CREATED', 'create'],
  ['RUNNING', 'start'],
]);

/** What the agent counts and times of itself, for `/metrics`; kept from the start on, read when it is asked for. */
export class AgentMetrics implements EngineMeasures {
  readonly #starts = new Histogram(
    {
      name: 'ecs_agent_task_start_seconds',
      help: 'Time to start: host (waiting for a share of it), resolve, pull, create, start of a container, total of a task.',
    },
    START_BOUNDS,
  );
  readonly #steps = new Histogram(
    { name: 'ecs_agent_step_seconds', help: 'Duration of the steps of tasks, by how they ended.' },
    START_BOUNDS,
  );
  readonly #calls = new Histogram(
    { name: 'ecs_agent_runtime_call_seconds', help: 'Duration of calls of the container runtime.' },
    CALL_BOUNDS,
  );
  readonly #pulls = new Counter({
    name: 'ecs_agent_pulls_total',
    help: 'Image pulls that ended, by outcome.',
  });
  readonly #lazyPulls = new Counter({
    name: 'ecs_agent_lazy_pulls_total',
    help: 'Image pulls by a snapshotter that can pull lazily: lazy, or full for a reason that is in the log.',
  });
  readonly #stops = new Counter({ name: 'ecs_agent_tasks_stopped_total', help: 'Tasks that have stopped.' });
  readonly #restarts = new Counter({
    name: 'ecs_agent_container_restarts_total',
    help: 'Containers started again by their restart policies.',
  });
  readonly #requests = new Counter({
    name: 'ecs_agent_task_requests_total',
    help: 'Requests of tasks at 169.254.170.2, by status.',
  });

  moved(transitions: readonly Transition[], task: TaskState): void {
    for (const move of transitions) {
      if (move.what === 'restart') this.#restarts.add({});
      if (move.what !== 'known') continue;
      if (move.container === undefined) this.#taskMoved(move, task);
      else {
        const phase = PHASES.get(move.to);
        if (phase !== undefined) this.#starts.observe({ phase }, this.#lastedOnTheWay(move, task));
      }
    }
  }

  pulledLazily({ lazyLayers }: Laziness): void {
    this.#lazyPulls.add({ outcome: lazyLayers > 0 ? 'lazy' : 'full' });
  }

  stepEnded(kind: StepKind, ms: number, outcome: StepOutcome): void {
    this.#steps.observe({ step: kind, outcome }, ms / 1000);
    if (kind === 'pullImage') this.#pulls.add({ outcome });
  }

  /** A call of the runtime has ended. */
  called(call: string, ms: number, outcome: 'ok' | 'failed'): void {
    this.#calls.observe({ call, outcome }, ms / 1000);
  }

  /** A request of a task was answered. */
  answered(status: number): void {
    this.#requests.add({ status: String(status) });
  }

  /**
   * Everything there is to tell now, in Prometheus' text form. `logs`: what logs have counted by driver; undefined
   * when who keeps them does not answer, their metrics are left out then.
   */
  expose(view: AgentView, logs?: Readonly<Record<string, LogTotals>>): string {
    return expose([
      this.#starts,
      this.#steps,
      this.#calls,
      this.#pulls,
      this.#lazyPulls,
      this.#stops,
      this.#restarts,
      this.#requests,
      ...viewMetrics(view),
      ...(logs === undefined ? [] : logMetrics(logs)),
      ...processMetrics(),
    ]);
  }

  #taskMoved(move: Transition, task: TaskState): void {
    if (move.to === 'RUNNING') this.#starts.observe({ phase: 'total' }, (move.at - task.receivedAt) / 1000);
    if (move.to === 'STOPPED') this.#stops.add({});
    if (move.from === 'NONE' && task.admittedAt !== undefined)
      this.#starts.observe({ phase: 'host' }, (task.admittedAt - task.receivedAt) / 1000);
  }

  /** The wait for a share of the host is a phase of its own. */
  #lastedOnTheWay({ from, lasted }: Transition, { admittedAt, receivedAt }: TaskState): number {
    const waited = from === 'NONE' && admittedAt !== undefined ? admittedAt - receivedAt : 0;
    return Math.max(0, lasted - waited) / 1000;
  }
}

function viewMetrics(view: AgentView): readonly Metric[] {
  const steps = view.tasks.flatMap(({ underWay }) => underWay.map(({ kind }) => ({ step: kind })));
  const stuck = view.tasks.flatMap((task) => task.stuck.map(({ kind }) => ({ step: kind })));
  const tasks = view.tasks.map(({ state: { known, desired } }) => ({ known, desired }));
  const sinceLastMessage =
    view.acs.lastMessageAt === undefined ? [] : [[{}, (Date.now() - view.acs.lastMessageAt) / 1000] as const];
  return [
    gauge({ name: 'ecs_agent_tasks', help: 'Tasks by status, known and desired.' }, counted(tasks)),
    gauge({ name: 'ecs_agent_steps_in_flight', help: 'Steps of tasks under way.' }, counted(steps)),
    gauge(
      { name: 'ecs_agent_steps_retrying', help: 'Steps that failed and are tried again.' },
      counted(stuck),
    ),
    gauge({ name: 'ecs_agent_outbox_depth', help: 'State changes that ECS has not taken yet.' }, [
      [{}, view.outbox.depth],
    ]),
    gauge(
      { name: 'ecs_agent_outbox_oldest_seconds', help: 'How long the oldest of them has been waiting.' },
      [[{}, view.outbox.oldestAgeMs / 1000]],
    ),
    gauge({ name: 'ecs_agent_acs_connected', help: 'Whether ACS is connected.' }, [
      [{}, Number(view.acs.connected)],
    ]),
    gauge(
      { name: 'ecs_agent_acs_last_message_seconds', help: 'Time since the last message of ACS.' },
      sinceLastMessage,
    ),
    gauge({ name: 'ecs_agent_tcs_connected', help: 'Whether TCS is connected.' }, [
      [{}, Number(view.tcs.connected)],
    ]),
    gauge({ name: 'ecs_agent_registered', help: 'Whether the container instance is registered.' }, [
      [{}, Number(view.containerInstanceArn !== undefined)],
    ]),
  ];
}

function counted(labels: readonly Labels[]): readonly (readonly [Labels, number])[] {
  const counts = new Map<string, [Labels, number]>();
  for (const one of labels) {
    const key = JSON.stringify(one);
    const entry = counts.get(key);
    if (entry === undefined) counts.set(key, [one, 1]);
    else entry[1] += 1;
  }
  return [...counts.values()];
}

/** Names as Prometheus' own clients have them. */
function processMetrics(): readonly Metric[] {
  const { user, system } = process.cpuUsage();
  const seconds = new Counter({ name: 'process_cpu_seconds_total', help: 'Processor time of the agent.' });
  seconds.add({}, (user + system) / 1e6);
  return [
    seconds,
    gauge({ name: 'process_resident_memory_bytes', help: 'Resident memory of the agent.' }, [
      [{}, process.memoryUsage.rss()],
    ]),
    gauge({ name: 'process_start_time_seconds', help: 'Start of the agent, Unix time.' }, [
      [{}, (Date.now() - process.uptime() * 1000) / 1000],
    ]),
  ];
}
