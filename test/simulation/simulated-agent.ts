import { judgeFailure } from '../../src/engine/failed-step.ts';
import { Inbox } from '../../src/engine/inbox.ts';
import { OwedRecord } from '../../src/engine/owed-record.ts';
import { RunningSteps } from '../../src/engine/running-steps.ts';
import type { ContainerExit } from '../../src/task/container-facts.ts';
import type { TaskEvent } from '../../src/task/event.ts';
import { differOnlyInProbes } from '../../src/task/health.ts';
import type { Plan } from '../../src/task/plan.ts';
import type { StateReport } from '../../src/task/report.ts';
import { surelyKnown } from '../../src/task/restart.ts';
import type { DesiredStatus } from '../../src/task/statuses.ts';
import type { Step } from '../../src/task/step.ts';
import type { TaskState } from '../../src/task/task-state.ts';
import { explain } from '../../src/task/why.ts';
import type { EngineRules } from './engine-rules.ts';
import type { Scenario } from './scenario.ts';
import { SimulatedSteps, type StepEnd, type World } from './simulated-steps.ts';
import type { SimulatedStore } from './simulated-store.ts';
import { Violation } from './watch.ts';

export interface AgentSurroundings {
  readonly world: World;
  readonly store: SimulatedStore;
  readonly scenario: Scenario;
  readonly rules: EngineRules;
  /** Something new may be in the outbox. */
  onOutbox(): void;
  /** An event is about to be reduced. */
  onEvent(event: TaskEvent): void;
  trace(line: () => string): void;
}

const TICK: TaskEvent = { kind: 'tick' };
const STORE_RETRY_MS = 1000;

/**
 * One life of the agent's task worker, from its start to its death. It follows TaskWorker's loop by hand and does not
 * drive it: a history is one synchronous run of a queue, whose order hangs on its choices alone, so that it is the
 * same again from its seed and stays so while it is shrunk. With TaskWorker the order would hang on how many promises
 * lie between two lines, each event would cost turns of the event loop, and a dead worker's promises would live on into
 * the next history. Shared with it is what decides: the rules, Inbox, OwedRecord, RunningSteps, judgeFailure and the
 * record formats;
 * TaskWorker itself is killed at all its lines in test/chaos.
 */
export class SimulatedAgent {
  readonly #in: AgentSurroundings;
  readonly #steps: RunningSteps;
  readonly #inbox: Inbox;
  readonly #stepsOfWorld: SimulatedSteps;
  #state: TaskState | undefined;
  #owed: OwedRecord | undefined;
  #isBusy = false;
  #isWoken = false;
  #isDead = false;
  /** Those who wait for what is in the inbox to be durable. */
  #durable: (() => void)[] = [];

  constructor(surroundings: AgentSurroundings) {
    this.#in = surroundings;
    this.#steps = new RunningSteps(() => surroundings.world.choices.below(100) / 100);
    this.#stepsOfWorld = new SimulatedSteps(surroundings.world);
    this.#inbox = new Inbox(
      (container) =>
        this.#steps.isRunning('startContainer', container) ||
        this.#steps.isRunning('restartContainer', container),
    );
  }

  get knowsTask(): boolean {
    return this.#state !== undefined;
  }

  /** Goes on with what is stored. */
  start(hasRebooted: boolean): void {
    const { store, scenario, rules, world } = this.#in;
    this.#state = store.load(world.choices.chance(20));
    if (this.#state === undefined) return;
    if (hasRebooted) {
      const before = this.#state;
      this.#in.onEvent({ kind: 'hostRestarted' });
      const reduced = rules.reduce(before, { kind: 'hostRestarted' }, world.time.now, scenario.rules);
      world.watch.reduced(before, reduced);
      this.#commit(reduced.state, reduced.reports);
    }
    this.#goOn([]);
  }

  /** From now on nothing comes of what was begun. */
  die(): void {
    this.#isDead = true;
    this.#stepsOfWorld.die();
  }

  /** A payload; `onDurable` is the moment at which it may be acked. */
  receive(desired: DesiredStatus, onDurable: () => void): void {
    const { scenario, rules, world } = this.#in;
    if (this.#state !== undefined) {
      if (desired === 'RUNNING') onDurable();
      else {
        this.#durable.push(onDurable);
        this.post({ kind: 'stopRequested' });
      }
      return;
    }
    const { state, reports } = rules.admitTask(scenario.spec, desired, undefined, world.time.now);
    this.#commit(state, reports);
    onDurable();
    this.#goOn([]);
  }

  exited(container: string, exit: ContainerExit): void {
    this.post({ kind: 'containerStopped', container, exit });
  }

  processGone(container: string): void {
    this.#stepsOfWorld.gone(container);
  }

  reportSettled(): void {
    this.post({ kind: 'reportSettled' });
  }

  /** Compares everything with the runtime; each part of that takes time. */
  look(): void {
    const { world } = this.#in;
    const known = this.#state?.containers.map((container) => ({
      container: container.name,
      knownBefore: surelyKnown(container),
    }));
    world.time.after(world.delay(), () => {
      const seen = known?.map((one) => ({ ...one, observation: world.runtime.observe(one.container) }));
      world.time.after(world.delay(), () => {
        if (this.#isDead) return;
        for (const observed of seen ?? []) this.post({ kind: 'containerObserved', ...observed });
        this.#sweep();
        this.#steps.retryNow();
        this.post(TICK);
      });
    });
  }

  post(event: TaskEvent): void {
    if (this.#isDead || this.#state === undefined) return;
    if (this.#inbox.post({ event })) this.#wake();
  }

  #sweep(): void {
    const { world } = this.#in;
    if (this.#state !== undefined) return;
    for (const name of world.runtime.containers.keys()) world.runtime.remove(name);
    world.resources = false;
  }

  #wake(): void {
    this.#isWoken = true;
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#in.world.time.after(0, () => this.#advance());
  }

  #advance(): void {
    const before = this.#state;
    if (this.#isDead || before === undefined) return;
    this.#isWoken = false;
    const { world, rules, scenario } = this.#in;
    const posted = this.#inbox.take();
    const batch = posted.map(({ event }) => event);
    const reports: StateReport[] = [];
    let state = before;
    for (const event of batch.length === 0 ? [TICK] : batch) {
      this.#in.onEvent(event);
      const reduced = rules.reduce(state, event, world.time.now, scenario.rules);
      world.watch.reduced(state, reduced);
      state = reduced.state;
      reports.push(...reduced.reports);
    }
    this.#state = state;
    const isNews = state !== before && (reports.length > 0 || !differOnlyInProbes(before, state));
    if (isNews) this.#owed ??= new OwedRecord(world.time.now);
    this.#owed?.reports.push(...reports);
    for (const { step } of posted) if (step !== undefined) this.#steps.retire(step);
    if (this.#inbox.releaseEarly()) this.#isWoken = true;
    this.#goOn(this.#durable.splice(0));
  }

  /** Acts, after it has written what has to be written first. */
  #goOn(durable: readonly (() => void)[]): void {
    const state = this.#state;
    if (state === undefined) return;
    const { world, rules, scenario } = this.#in;
    const { now } = world.time;
    const wanted = rules.plan(state, now, scenario.rules);
    const owed = this.#owed;
    if (owed !== undefined && (durable.length > 0 || owed.isDue(wanted.steps, now))) {
      this.#commitLater(state, owed.reports, () => {
        this.#owed = undefined;
        this.#goOn(durable);
      });
      return;
    }
    for (const resolve of durable) resolve();
    this.#isBusy = false;
    this.#act(state, wanted);
    if (this.#isWoken) this.#wake();
  }

  #commitLater(state: TaskState, reports: readonly StateReport[], then: () => void): void {
    const { world } = this.#in;
    const refuses = !world.isCalm() && world.choices.chance(3);
    world.time.after(refuses ? STORE_RETRY_MS : 1, () => {
      if (this.#isDead) return;
      if (refuses) {
        this.#commitLater(state, reports, then);
        return;
      }
      this.#commit(state, reports);
      then();
    });
  }

  #commit(state: TaskState, reports: readonly StateReport[]): void {
    const { store, world } = this.#in;
    this.#in.trace(() => `  stored: ${sayState(state)}${reports.map(sayReport).join('')}`);
    store.commit(state, reports);
    this.#state = state;
    world.watch.committed(state, reports);
    this.#in.onOutbox();
  }

  #act(state: TaskState, wanted: Plan): void {
    const { world } = this.#in;
    const { now } = world.time;
    world.watch.planned(state, wanted, now);
    const { start, wakeAt } = this.#steps.reconcile(wanted.steps, now);
    const due = Math.min(wanted.wakeAt, wakeAt, this.#owed?.dueAt ?? Number.POSITIVE_INFINITY);
    if (Number.isFinite(due))
      world.time.at(Math.ceil(due), () => {
        if (!this.#isDead) this.#wake();
      });
    for (const step of start) this.#begin(step, state);
    if (wanted.waits.length === 0) return;
    const activity = { underWay: this.#steps.underWay(), stuck: this.#steps.stuck(), pulls: new Map() };
    for (const { what, unblock } of explain(state, wanted, activity, now))
      if (what === '' || unblock === '') throw new Violation('always progress or a wait reason', 'no words');
  }

  #begin(step: Step, task: TaskState): void {
    const { world } = this.#in;
    const signal = this.#steps.begin(step, world.time.now);
    this.#in.trace(() => `  begins ${sayStep(step)}`);
    this.#stepsOfWorld.run({
      step,
      task,
      signal,
      emit: (event) => this.post(event),
      end: (end) => this.#ended(step, end, signal),
    });
  }

  #ended(step: Step, { event, error }: StepEnd, signal: AbortSignal): void {
    if (step.kind === 'forgetTask' && event !== undefined) {
      this.#state = undefined;
      this.#in.trace(() => '  the task is forgotten');
      return;
    }
    this.#in.trace(() => `  ends ${sayStep(step)}${event === undefined ? `: ${String(error)}` : ''}`);
    const told = event ?? (signal.aborted ? TICK : judgeFailure(step, error));
    if (event !== undefined || signal.aborted || told.kind === 'stepFailed')
      this.#inbox.post({ event: told, step });
    else {
      this.#steps.postpone(step, error, this.#in.world.time.now);
      this.#inbox.post({ event: told });
    }
    this.#wake();
  }
}

function sayStep(step: Step): string {
  return 'container' in step ? `${step.kind} ${step.container}` : step.kind;
}

function sayState({ known, desired, containers }: TaskState): string {
  const each = containers.map((c) => `${c.name} ${c.known}→${c.desired}`);
  return `task ${known}→${desired}, ${each.join(', ')}`;
}

function sayReport({ status, containers }: StateReport): string {
  return `; report ${status} ${containers.map((c) => `${c.containerName}=${c.status}`).join(',')}`;
}
