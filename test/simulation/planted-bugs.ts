import { admitTask } from '../../src/task/admit.ts';
import type { TaskEvent } from '../../src/task/event.ts';
import { plan } from '../../src/task/plan.ts';
import { reduce } from '../../src/task/reduce.ts';
import type { TaskState } from '../../src/task/task-state.ts';
import type { EngineRules } from './engine-rules.ts';

/** The core as it is. */
export const SOUND_RULES: EngineRules = { admitTask, reduce, plan };

/** Lets an event through as another one, or not at all. */
function hears(change: (event: TaskEvent, state: TaskState) => TaskEvent): EngineRules {
  return {
    ...SOUND_RULES,
    reduce: (state, event, at, rules) => reduce(state, change(event, state), at, rules),
  };
}

/** Changes what comes of an event. */
function makes(
  change: (before: TaskState, after: TaskState, event: TaskEvent) => TaskState,
): EngineRules['reduce'] {
  return (state, event, at, rules) => {
    const reduced = reduce(state, event, at, rules);
    return { ...reduced, state: change(state, reduced.state, event) };
  };
}

const TICK: TaskEvent = { kind: 'tick' };

/** Faults such as a hand could make in the core, each as a set of rules of its own. */
export const PLANTED_BUGS: Readonly<Record<string, EngineRules>> = {
  'an old look at a container takes its status back': {
    ...SOUND_RULES,
    reduce: makes((_, after, event) => {
      if (event.kind !== 'containerObserved' || event.observation.state !== 'created') return after;
      const containers = after.containers.map((c) =>
        c.name === event.container && c.known === 'RUNNING' ? { ...c, known: 'CREATED' as const } : c,
      );
      return { ...after, containers };
    }),
  },
  'a look that was slow is believed over what came since': hears((event, state) => {
    if (event.kind !== 'containerObserved') return event;
    const known = state.containers.find((c) => c.name === event.container)?.known;
    return known === undefined ? event : { ...event, knownBefore: known };
  }),
  'what a look finds of an end is not taken in': hears((event) =>
    event.kind === 'containerObserved' && /exited|released|absent/.test(event.observation.state)
      ? TICK
      : event,
  ),
  'containers are created before their dependencies hold': {
    ...SOUND_RULES,
    plan: (state, at, rules) => {
      const wanted = plan(state, at, rules);
      const early = state.containers
        .filter((c) => c.known === 'PULLED' && c.desired === 'RUNNING' && state.resources === 'ready')
        .filter((c) => wanted.waits.some((wait) => wait.kind === 'dependency' && wait.container === c.name))
        .map((c) => ({ kind: 'createContainer', container: c.name }) as const);
      return { ...wanted, steps: [...wanted.steps, ...early] };
    },
  },
  'a container that is to stop counts as stopped': {
    ...SOUND_RULES,
    reduce: (state, event, at, rules) => {
      const reduced = reduce(state, event, at, rules);
      const stopping = reduced.state.containers.find(
        (c) => c.known === 'RUNNING' && c.stopRequestedAt !== undefined,
      );
      if (event.kind !== 'stopRequested' || stopping === undefined) return reduced;
      const gone: TaskEvent = { kind: 'containerStopped', container: stopping.name };
      const more = reduce(reduced.state, gone, at, rules);
      return { state: more.state, reports: [...reduced.reports, ...more.reports] };
    },
  },
  'containers are stopped before those that depend on them': {
    ...SOUND_RULES,
    reduce: makes((_, after) => ({
      ...after,
      containers: after.containers.map((c) =>
        c.known === 'RUNNING' && c.desired === 'STOPPED' && c.stopRequestedAt === undefined
          ? { ...c, stopRequestedAt: after.knownAt }
          : c,
      ),
    })),
  },
  'SIGKILL is put off with every look': {
    ...SOUND_RULES,
    plan: (state, at, rules) => {
      const wanted = plan(state, at, rules);
      const steps = wanted.steps.map((step) =>
        step.kind === 'stopContainer' ? { ...step, killAtMs: at + rules.stopTimeoutMs } : step,
      );
      return { ...wanted, steps };
    },
  },
  'a wait has no reason': {
    ...SOUND_RULES,
    plan: (state, at, rules) => {
      const wanted = plan(state, at, rules);
      return { ...wanted, waits: wanted.waits.filter(({ kind }) => kind !== 'dependency') };
    },
  },
  'nobody wakes when a time has come': {
    ...SOUND_RULES,
    plan: (state, at, rules) => ({ ...plan(state, at, rules), wakeAt: Number.POSITIVE_INFINITY }),
  },
  'a report that is told again and again': {
    ...SOUND_RULES,
    reduce: (state, event, at, rules) => {
      const reduced = reduce(state, event, at, rules);
      if (event.kind !== 'containerObserved' || reduced.state.known !== 'RUNNING') return reduced;
      const { spec, unsettledReports } = reduced.state;
      return {
        state: { ...reduced.state, unsettledReports: unsettledReports + 1 },
        reports: [...reduced.reports, { task: spec.arn, status: 'RUNNING', reason: '', containers: [] }],
      };
    },
  },
  'the last of two reports is lost': {
    ...SOUND_RULES,
    reduce: (state, event, at, rules) => {
      const reduced = reduce(state, event, at, rules);
      const reports = reduced.reports.slice(0, 1);
      const lost = reduced.reports.length - reports.length;
      const unsettledReports = reduced.state.unsettledReports - lost;
      return { state: { ...reduced.state, unsettledReports }, reports };
    },
  },
  'an exit code is guessed': hears((event) =>
    event.kind === 'containerStopped' && event.exit !== undefined && event.exit.oomKilled
      ? { ...event, exit: { ...event.exit, exitCode: 137 } }
      : event,
  ),
  'an exit that is told twice ends the next run': hears((event) => {
    if (event.kind !== 'containerStopped' || event.exit === undefined) return event;
    return { ...event, exit: { ...event.exit, run: Number.MAX_SAFE_INTEGER } };
  }),
  'a restart policy does not mind ignored exit codes': {
    ...SOUND_RULES,
    reduce: (state, event, at, rules) => {
      const containers = state.spec.containers.map((c) =>
        c.restartPolicy === undefined
          ? c
          : { ...c, restartPolicy: { ...c.restartPolicy, ignoredExitCodes: [] } },
      );
      const lax = { ...state, spec: { ...state.spec, containers } };
      const reduced = reduce(lax, event, at, rules);
      if (reduced.state === lax) return { ...reduced, state };
      return { ...reduced, state: { ...reduced.state, spec: state.spec } };
    },
  },
  'a task is cleaned up before ECS knows of its end': {
    ...SOUND_RULES,
    plan: (state, at, rules) => plan({ ...state, unsettledReports: 0 }, at, rules),
  },
  'a task goes on without an essential container': {
    ...SOUND_RULES,
    reduce: makes((before, after, event) =>
      event.kind === 'containerStopped' && before.desired === 'RUNNING' && after.desired === 'STOPPED'
        ? { ...after, desired: 'RUNNING' }
        : after,
    ),
  },
};
