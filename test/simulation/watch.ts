import { NAMESPACE_PAUSE } from '../../src/task/internal-containers.ts';
import type { Plan } from '../../src/task/plan.ts';
import { waitsForHost } from '../../src/task/plan.ts';
import type { Reduced } from '../../src/task/reduce.ts';
import type { StateReport } from '../../src/task/report.ts';
import { compareContainerStatus, compareTaskStatus } from '../../src/task/statuses.ts';
import { stepContainer } from '../../src/task/step.ts';
import type { ContainerState, TaskState } from '../../src/task/task-state.ts';
import type { Scenario } from './scenario.ts';
import type { SimulatedContainer, SimulatedRuntime } from './simulated-runtime.ts';
import type { SimulatedStore } from './simulated-store.ts';

/** What must hold in every history. */
export type Invariant =
  | 'never backwards'
  | 'never RUNNING before dependencies hold'
  | 'never STOPPED while a container runs'
  | 'always progress or a wait reason'
  | 'bounded outbox'
  | 'every change is told once and in order'
  | 'what is told is true'
  | 'started as often as allowed'
  | 'stops in reverse order, and within the grace'
  | 'nothing is removed too early'
  | 'nothing is left';

export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: Invariant;

  constructor(invariant: Invariant, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
  }
}

const REMAINS = ['live', 'exited', 'released', 'removed'];
const TOLD = ['PENDING', 'RUNNING', 'STOPPED'];
/** How late something may be acted on that was due, ms: the store may refuse for a while. */
const LATE_MS = 60_000;
/** How long an end may go unnoticed whose event was lost, ms: until the next look at everything. */
const UNNOTICED_MS = 6 * 60_000;

/** Compares what the engine does with what is true in the world; knows nothing of how the engine decides. */
export class Watch {
  readonly #scenario: Scenario;
  readonly #store: SimulatedStore;
  readonly #healthy = new Set<string>();
  readonly #killAt = new Map<string, number>();
  readonly #toldOf = new Map<string, string[]>();
  #told = 'PENDING';
  #reports = 0;
  #lastToldId = 0;
  #dueAt = Number.POSITIVE_INFINITY;
  #upSince = 0;
  readonly #runtime: () => SimulatedRuntime;

  constructor(scenario: Scenario, store: SimulatedStore, runtime: () => SimulatedRuntime) {
    this.#scenario = scenario;
    this.#store = store;
    this.#runtime = runtime;
  }

  reduced(before: TaskState, { state: after }: Reduced): void {
    const back = (what: string) => new Violation('never backwards', what);
    if (compareTaskStatus(after.known, before.known) < 0)
      throw back(`the task went from ${before.known} to ${after.known}`);
    if (before.desired === 'STOPPED' && after.desired !== 'STOPPED') throw back('the task is wanted again');
    const isKept = after.stoppedReason === before.stoppedReason || hasLostNamespaces(before, after);
    if (before.desired === 'STOPPED' && !isKept)
      throw back('the reason of the task changed when it was to stop already');
    for (const [index, was] of before.containers.entries()) {
      const is = after.containers[index];
      if (is?.name !== was.name) throw back(`${was.name} has gone from the task`);
      if (compareContainerStatus(is.known, was.known) < 0)
        throw back(`${was.name} went from ${was.known} to ${is.known}`);
      if (was.desired === 'STOPPED' && is.desired !== 'STOPPED') throw back(`${was.name} is wanted again`);
      if (REMAINS.indexOf(is.remains) < REMAINS.indexOf(was.remains))
        throw back(`what remains of ${was.name} went from ${was.remains} to ${is.remains}`);
      if (was.known === 'STOPPED' && is.exitCode !== was.exitCode)
        throw back(`the exit code of ${was.name} changed after its end`);
      if (is.known === 'RESOURCES_PROVISIONED') throw back(`${was.name} is no pause container`);
    }
  }

  /** While it was away nothing could be done. */
  agentStarted(now: number): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#upSince = now;
  }

  /** `state` and `reports` are durable from now on. */
  committed(state: TaskState, reports: readonly StateReport[]): void {
    for (const container of state.containers) this.#isTrue(container);
    const { spec } = this.#scenario;
    const essentialEnded = spec.containers.some(
      (c) => c.essential && state.containers.find(({ name }) => name === c.name)?.known === 'STOPPED',
    );
    if (essentialEnded && state.desired !== 'STOPPED')
      throw new Violation(
        'always progress or a wait reason',
        'an essential container ended, the task goes on',
      );
    if (state.desired === 'STOPPED' && state.containers.some((c) => c.desired !== 'STOPPED'))
      throw new Violation('always progress or a wait reason', 'the task is to stop and a container is not');
    for (const report of reports) this.#enqueued(report);
    if (this.#store.outbox.length > state.unsettledReports)
      throw new Violation('nothing is removed too early', 'a report waits that the task does not know of');
  }

  #isTrue({ name, known, exitCode, startedAt }: ContainerState): void {
    const world = this.#runtime().get(name);
    if (known === 'STOPPED' && world.script !== undefined)
      throw new Violation('never STOPPED while a container runs', `${name} is STOPPED and runs`);
    if ((known === 'RUNNING' || startedAt !== undefined) && world.runs === 0)
      throw new Violation('what is told is true', `${name} is ${known} and was never started`);
    if (known !== 'STOPPED' || exitCode === undefined) return;
    const true_ = world.runs === 0 ? 143 : world.exits.at(-1)?.exitCode;
    if (exitCode !== true_)
      throw new Violation('what is told is true', `${name} ended with ${true_} and ${exitCode} is known`);
  }

  #enqueued(report: StateReport): void {
    const { containers } = this.#scenario.spec;
    this.#reports += 1;
    const bound = 3 + 3 * containers.length;
    if (this.#reports > bound)
      throw new Violation('bounded outbox', `${this.#reports} reports of ${containers.length} containers`);
    const wrong = (what: string) => new Violation('every change is told once and in order', what);
    if (TOLD.indexOf(report.status) < TOLD.indexOf(this.#told))
      throw wrong(`the task is told ${report.status} after ${this.#told}`);
    this.#told = report.status;
    for (const { containerName, status } of report.containers) {
      const told = this.#toldOf.get(containerName) ?? [];
      if (TOLD.indexOf(status) <= TOLD.indexOf(told.at(-1) ?? ''))
        throw wrong(`${containerName} is told ${status} after ${told.at(-1)}`);
      this.#toldOf.set(containerName, [...told, status]);
    }
    if (report.status === 'STOPPED')
      for (const { name, script } of this.#runtime().containers.values())
        if (script !== undefined)
          throw new Violation(
            'never STOPPED while a container runs',
            `the task is told STOPPED, ${name} runs`,
          );
  }

  /** ECS got a report; the same one may come again, an older one never. */
  toldEcs(id: number): void {
    if (id < this.#lastToldId)
      throw new Violation('every change is told once and in order', `report ${id} after ${this.#lastToldId}`);
    this.#lastToldId = id;
  }

  probedHealthy(name: string): void {
    this.#healthy.add(name);
  }

  creates(name: string, resources: boolean): void {
    const known = this.#stored(name)?.known;
    if (!resources)
      throw new Violation('never RUNNING before dependencies hold', `${name} is created without a cgroup`);
    if (known === undefined || compareContainerStatus(known, 'PULLED') < 0)
      throw new Violation('never RUNNING before dependencies hold', `${name} is created while ${known}`);
    this.#dependenciesHold(name);
  }

  starts(container: SimulatedContainer): void {
    const { name, runs, exits } = container;
    const known = this.#stored(name)?.known;
    if (known === 'STOPPED')
      throw new Violation('never STOPPED while a container runs', `${name} starts and is STOPPED`);
    if (runs === 0) this.#dependenciesHold(name);
    else this.#mayRestart(container);
    if (runs !== exits.length)
      throw new Violation('started as often as allowed', `${name} starts, and its last run has no end`);
  }

  #mayRestart({ name, exits }: SimulatedContainer): void {
    const policy = this.#scenario.spec.containers.find((c) => c.name === name)?.restartPolicy;
    const last = exits.at(-1);
    const previous = exits.at(-2);
    const no = (why: string) => new Violation('started as often as allowed', `${name} starts again ${why}`);
    if (policy === undefined) throw no('without a policy');
    if (last?.exitCode === undefined) throw no('after an end that nobody knows');
    if (policy.ignoredExitCodes.includes(last.exitCode)) throw no(`after ${last.exitCode}, which is ignored`);
    if (previous !== undefined && last.exitedAt - previous.exitedAt < policy.attemptPeriodMs)
      throw no('before its period is over');
  }

  #dependenciesHold(name: string): void {
    const spec = this.#scenario.spec.containers.find((c) => c.name === name);
    for (const { containerName, condition } of spec?.dependsOn ?? []) {
      const world = this.#runtime().get(containerName);
      const state = this.#stored(containerName);
      const holds = {
        CREATE: world.everCreated,
        START: world.runs > 0,
        COMPLETE: state?.known === 'STOPPED' && state.exitCode !== undefined,
        SUCCESS: state?.known === 'STOPPED' && world.exits.at(-1)?.exitCode === 0,
        HEALTHY: this.#healthy.has(containerName),
      }[condition];
      if (!holds)
        throw new Violation(
          'never RUNNING before dependencies hold',
          `${name} before ${containerName} ${condition}, which is ${state?.known}`,
        );
    }
  }

  /** As for `releases`: when the task is forgotten, a call that was given up has only the moment of the calls before. */
  stops(name: string, killAtMs: number): void {
    const wrong = (what: string) => new Violation('stops in reverse order, and within the grace', what);
    const { spec, rules } = this.#scenario;
    for (const dependant of spec.containers)
      if (dependant.dependsOn.some((on) => on.containerName === name))
        if (this.#runtime().get(dependant.name).script !== undefined)
          throw wrong(`${name} is stopped before ${dependant.name}, which depends on it`);
    const own = spec.containers.find((c) => c.name === name)?.stopTimeoutSec ?? 0;
    const graceMs = own > 0 ? own * 1000 : rules.stopTimeoutMs;
    const begun = this.#stored(name)?.stopRequestedAt;
    const first = this.#killAt.get(name) ?? killAtMs;
    this.#killAt.set(name, first);
    const isForgotten = this.#store.task === undefined;
    const isDue = begun !== undefined && killAtMs === begun + graceMs;
    if (killAtMs !== first || !(isDue || isForgotten))
      throw wrong(`SIGKILL for ${name} is due ${killAtMs - (begun ?? 0)} ms after its stop, not ${graceMs}`);
  }

  /** A call that was given up may come to it when the task has been forgotten already, with all that was known. */
  releases(name: string): void {
    if (this.#store.task !== undefined && this.#stored(name)?.known !== 'STOPPED')
      throw new Violation(
        'nothing is removed too early',
        `the end of ${name} is forgotten before it is known`,
      );
  }

  removes(what: string, now: number): void {
    const task = this.#store.task;
    const early = (why: string) => new Violation('nothing is removed too early', `${what} is removed ${why}`);
    if (task?.known !== 'STOPPED') throw early(`while the task is ${task?.known}`);
    if (this.#store.outbox.length > 0) throw early('before ECS knows of the end');
    if (now < task.knownAt + this.#scenario.rules.cleanupWaitMs) throw early('before its time');
  }

  /** What the engine wants at this moment; whatever is not as it should be must be in it. */
  planned(state: TaskState, { steps, waits, wakeAt }: Plan, now: number): void {
    const stuck = (what: string) => new Violation('always progress or a wait reason', what);
    if (now > this.#dueAt + LATE_MS) throw stuck(`something was due ${now - this.#dueAt} ms ago`);
    const untils = waits.map((wait) => ('until' in wait ? wait.until : Number.POSITIVE_INFINITY));
    this.#dueAt = Math.min(...untils);
    if (untils.some((until) => until < now && wakeAt > now)) throw stuck('a wait goes on after its end');
    if (waitsForHost(state)) {
      if (!steps.some(({ kind }) => kind === 'takeHostResources'))
        throw stuck('it does not ask for its share');
      return;
    }
    for (const container of state.containers) {
      const { name, known, desired, remains, restarts } = container;
      const isDone = known === 'STOPPED' && remains !== 'exited';
      const isSteady = known === 'RUNNING' && desired === 'RUNNING' && restarts?.exit === undefined;
      const exit = isSteady ? this.#runtime().get(name).exit : undefined;
      if (exit !== undefined && now > Math.max(exit.exitedAt, this.#upSince) + UNNOTICED_MS)
        throw stuck(`nobody has noticed that ${name} ended ${now - exit.exitedAt} ms ago`);
      if (isDone || isSteady) continue;
      const acts = steps.some((step) => step.kind !== 'probeHealth' && stepContainer(step) === name);
      const reason = waits.find((wait) => wait.container === name);
      if (!acts && reason === undefined) throw stuck(`${name} is ${known} and nothing says why`);
      if (reason?.kind === 'dependants' && reason.names.length === 0) throw stuck(`${name} waits for nobody`);
      if (reason?.kind === 'taskResources' && state.resources === 'ready')
        throw stuck(`${name} waits for a cgroup that is there`);
    }
    const isOver = state.known === 'STOPPED' && state.containers.every((c) => c.remains !== 'exited');
    if (isOver && steps.length === 0 && waits.length === 0)
      throw stuck('the task is over and nothing follows');
  }

  /** The task is forgotten, and everything had the time to be swept. */
  ended(resources: boolean, hasRebooted: boolean): void {
    const left = (what: string) => new Violation('nothing is left', what);
    const untold = (what: string) => new Violation('every change is told once and in order', what);
    for (const { name, record, runs } of this.#runtime().containers.values()) {
      if (record !== 'absent') throw left(`${name} is still there`);
      const told = this.#toldOf.get(name) ?? [];
      if (name === NAMESPACE_PAUSE && told.length > 0) throw untold(`${name} is nobody's business`);
      if (name === NAMESPACE_PAUSE) continue;
      if (told.at(-1) !== 'STOPPED') throw untold(`the end of ${name} was never told`);
      // A restart of the host may take with it what nobody had seen yet.
      if (runs > 0 && !hasRebooted && !told.includes('RUNNING'))
        throw untold(`the start of ${name} was never told`);
    }
    if (resources) throw left('the cgroup is still there');
    if (this.#store.outbox.length > 0) throw left('reports are still in the outbox');
    if (this.#told !== 'STOPPED') throw untold('the end of the task was never told');
  }

  #stored(name: string): ContainerState | undefined {
    return this.#store.task?.containers.find((c) => c.name === name);
  }
}

/** What died with it may have stopped the task before its own end was told. */
function hasLostNamespaces(before: TaskState, after: TaskState): boolean {
  const known = (state: TaskState) => state.containers.find(({ name }) => name === NAMESPACE_PAUSE)?.known;
  return before.stoppedReason === '' && known(before) !== 'STOPPED' && known(after) === 'STOPPED';
}
