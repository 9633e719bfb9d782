import type { Logger } from 'pino';
import { sleep } from '../async/deadline.ts';
import type { QueuedReport, Store, StoreChange } from '../store/store.ts';
import type { TaskEvent, TaskRules } from '../task/event.ts';
import { differOnlyInProbes } from '../task/health.ts';
import { taskIdOf } from '../task/ids.ts';
import { type Plan, plan } from '../task/plan.ts';
import { reduce } from '../task/reduce.ts';
import type { StateReport } from '../task/report.ts';
import { surelyKnown } from '../task/restart.ts';
import type { ContainerStatus } from '../task/statuses.ts';
import type { Step } from '../task/step.ts';
import type { TaskState } from '../task/task-state.ts';
import { arrivalOf, type Transition, transitionsOf } from '../task/timeline.ts';
import { type Explanation, explain, type PullState } from '../task/why.ts';
import type { EngineMeasures, StepOutcome } from './engine-measures.ts';
import { judgeFailure } from './failed-step.ts';
import { FoundImages } from './found-images.ts';
import type { HostResources } from './host-resources.ts';
import type { ImageKeeper } from './image-keeper.ts';
import { Inbox, type Posted } from './inbox.ts';
import { OwedRecord } from './owed-record.ts';
import { Pulls } from './pulls.ts';
import { runStep } from './run-step.ts';
import { RunningSteps } from './running-steps.ts';
import type { StepBoundary, StepObserver } from './step-boundary.ts';
import type { StepPorts } from './step-context.ts';
import { ToldWaits } from './told-waits.ts';
import { logTransitions } from './transitions.ts';

/** What a worker needs beside the ports of its steps. */
export interface WorkerDependencies {
  readonly ports: StepPorts;
  readonly store: Store;
  readonly rules: TaskRules;
  readonly hostResources: HostResources;
  readonly imageKeeper: ImageKeeper;
  readonly logger: Logger;
  readonly measures?: EngineMeasures;
  /** Hands reports that are durable to the reporter. */
  enqueueReport(queued: QueuedReport): void;
  /** The task's record is gone: nothing of it is left. */
  onForgotten(worker: TaskWorker): void;
  readonly onStep?: StepObserver | undefined;
}

/** Delays between tries to write to a store that refuses, e.g. because the disk is full. */
const STORE_RETRY_MS = 1000;
/** Steps get this long to give up when the agent stops; what they leave is looked at after the next start. */
const STOP_GRACE_MS = 100;

/**
 * Drives one task: takes events one batch at a time, reduces them, makes the result durable together with its
 * reports, then starts the steps that the plan names. What no step stands on yet is written with the next result
 * that one does (`OwedRecord`). Nothing of one task waits for another.
 */
export class TaskWorker {
  readonly #deps: WorkerDependencies;
  readonly #log: Logger;
  readonly #steps = new RunningSteps();
  readonly #aborter = new AbortController();
  readonly #pulls = new Pulls();
  readonly #foundImages = new FoundImages();
  readonly #toldWaits: ToldWaits;
  #state: TaskState;
  #owed: OwedRecord | undefined;
  readonly #inbox = new Inbox((container) => this.#isStarting(container));
  #wake = Promise.withResolvers<void>();
  #wakeAt = 0;
  #admission: Promise<void> = Promise.resolve();
  #loop: Promise<void> | undefined;
  readonly #underWay = new Set<Promise<void>>();

  constructor(state: TaskState, deps: WorkerDependencies) {
    this.#state = state;
    this.#deps = deps;
    this.#log = deps.logger.child({ taskId: taskIdOf(state.spec.arn) });
    this.#toldWaits = new ToldWaits(this.#log);
  }

  get state(): TaskState {
    return this.#state;
  }

  /** Resolves once the task is in the store; rejects when the store refused it. */
  get admitted(): Promise<void> {
    return this.#admission;
  }

  /** What is sure of one of the task's containers; NONE for one that it has not. */
  knownOf(name: string): ContainerStatus {
    const container = this.#state.containers.find((c) => c.name === name);
    return container === undefined ? 'NONE' : surelyKnown(container);
  }

  get steps(): RunningSteps {
    return this.#steps;
  }

  /** How far pulls under way are, by container. */
  get pulls(): ReadonlyMap<string, PullState> {
    return this.#pulls.states();
  }

  /** Why the task and its containers do not move; empty when everything is as it is wanted. */
  explain(): readonly Explanation[] {
    const now = this.#deps.ports.now();
    return this.#explain(plan(this.#state, now, this.#deps.rules), now);
  }

  /** Makes a new task durable with its first reports; rejects, and leaves nothing, when the store refuses. */
  async admit(reports: readonly StateReport[]): Promise<void> {
    this.#admission = this.#commit(reports, [arrivalOf(this.#state)]);
    await this.#admission;
    this.#log.info(
      { family: this.#state.spec.family, version: this.#state.spec.version, desired: this.#state.desired },
      'task taken in',
    );
  }

  /** Begins to work; for a task that is in the store. */
  start(): void {
    this.#loop = this.#run();
  }

  /** Tells the worker what happened. */
  post(event: TaskEvent): void {
    if (this.#inbox.post({ event })) this.#wake.resolve();
  }

  /** As `post`; resolves once what the event made of the task is durable. */
  postDurably(event: TaskEvent): Promise<void> {
    const durable = Promise.withResolvers<void>();
    if (this.#inbox.post({ event, durable })) this.#wake.resolve();
    return durable.promise;
  }

  /** Steps that wait for their next try need not wait any longer. */
  retryNow(): void {
    this.#steps.retryNow();
    this.post({ kind: 'tick' });
  }

  /** Gives up steps under way and ends; containers are left as they are. */
  async stop(): Promise<void> {
    this.#end(new Error('the agent is stopping'));
    await this.#loop;
    await Promise.race([Promise.allSettled(this.#underWay), sleep(STOP_GRACE_MS)]);
    for (const { durable } of [...(this.#owed?.posted ?? []), ...this.#inbox.take()])
      durable?.reject(this.#aborter.signal.reason);
  }

  #end(reason: Error): void {
    this.#aborter.abort(reason);
    this.#steps.abort(reason);
    this.#wake.resolve();
  }

  async #run(): Promise<void> {
    while (!this.#aborter.signal.aborted) {
      const now = this.#deps.ports.now();
      const wanted = plan(this.#state, now, this.#deps.rules);
      if (this.#owed?.isDue(wanted.steps, now) === true) {
        await this.#record(this.#owed);
        continue;
      }
      this.#act(wanted, now);
      await this.#sleepUntilWoken();
      this.#advance(this.#inbox.take());
    }
  }

  async #sleepUntilWoken(): Promise<void> {
    const delay = this.#wakeAt - this.#deps.ports.now();
    // Longer than a timer can count: another look then costs nothing.
    const timer = setTimeout(() => this.#wake.resolve(), Math.min(Math.max(delay, 0), 0x7fff_ffff));
    await this.#wake.promise;
    clearTimeout(timer);
    this.#wake = Promise.withResolvers<void>();
  }

  /** Reduces a batch; what comes of it is owed to the store. */
  #advance(batch: readonly Posted[]): void {
    const { ports, rules } = this.#deps;
    const before = this.#state;
    let state = before;
    const reports: StateReport[] = [];
    const moves: Transition[] = [];
    for (const event of batch.length === 0 ? [TICK] : batch.map((posted) => posted.event)) {
      const now = ports.now();
      const reduced = reduce(state, event, now, rules);
      moves.push(...transitionsOf(state, reduced.state, event, now));
      if (event.kind === 'imagePulled' && event.laziness !== undefined)
        this.#deps.measures?.pulledLazily(event.laziness);
      state = reduced.state;
      reports.push(...reduced.reports);
    }
    this.#state = state;
    logTransitions(this.#log, moves);
    this.#deps.measures?.moved(moves, state);
    if (state !== before && (reports.length > 0 || !differOnlyInProbes(before, state)))
      this.#owed ??= new OwedRecord(ports.now());
    this.#owed?.reports.push(...reports);
    this.#owed?.moves.push(...moves);
    if (this.#owed === undefined) this.#recorded(batch);
    else this.#owed.posted.push(...batch);
    for (const { step } of batch) if (step !== undefined) this.#steps.retire(step);
    if (this.#inbox.releaseEarly()) this.#wake.resolve();
  }

  /** Makes what is owed durable; a store that refuses is asked again until it takes it. */
  async #record(owed: OwedRecord): Promise<void> {
    for (;;) {
      try {
        await this.#commit(owed.reports, owed.moves);
        break;
      } catch (error) {
        if (this.#aborter.signal.aborted) return;
        this.#log.error({ err: error }, 'cannot store the state of the task; trying again');
        await sleep(STORE_RETRY_MS, this.#aborter.signal).catch(() => {});
      }
    }
    this.#owed = undefined;
    this.#recorded(owed.posted);
  }

  #recorded(batch: readonly Posted[]): void {
    for (const { durable, step } of batch) {
      if (step !== undefined) this.#reached(step, 'recorded');
      durable?.resolve();
    }
  }

  async #commit(reports: readonly StateReport[], moves: readonly Transition[]): Promise<void> {
    const state = this.#state;
    const changes: StoreChange[] = [
      { kind: 'putTask', task: state },
      ...(moves.length === 0
        ? []
        : [{ kind: 'appendTimeline', arn: state.spec.arn, transitions: moves } as const]),
      ...reports.map((report) => ({ kind: 'enqueueReport', report }) as const),
    ];
    const ids = await this.#deps.store.commit(changes);
    if (state.known === 'STOPPED') this.#deps.hostResources.release(state.spec.arn);
    reports.forEach((report, index) => {
      const id = ids[index];
      if (id !== undefined) this.#deps.enqueueReport({ id, report });
    });
  }

  #explain(wanted: Plan, now: number): readonly Explanation[] {
    const hostWait = this.#deps.hostResources.waitOf(this.#state.spec.arn);
    const activity = {
      underWay: this.#steps.underWay(),
      stuck: this.#steps.stuck(),
      pulls: this.pulls,
      ...(hostWait !== undefined && { hostWait }),
    };
    return explain(this.#state, wanted, activity, now);
  }

  #act(wanted: Plan, now: number): void {
    const { start, wakeAt } = this.#steps.reconcile(wanted.steps, now);
    this.#wakeAt = Math.min(wanted.wakeAt, wakeAt, this.#owed?.dueAt ?? Number.POSITIVE_INFINITY);
    for (const step of start) {
      const running = this.#runStep(step).finally(() => this.#underWay.delete(running));
      this.#underWay.add(running);
    }
    // After the steps have begun: only now is it known whether the task's turn has come.
    const hostWait = this.#deps.hostResources.waitOf(this.#state.spec.arn);
    if (wanted.waits.length === 0 && hostWait === undefined) return;
    const steps = wanted.steps.filter(({ kind }) => hostWait !== undefined && kind === 'takeHostResources');
    this.#toldWaits.tell(this.#explain({ ...wanted, steps }, now));
  }

  /** Never rejects: whatever comes of the step becomes an event or a later try. */
  async #runStep(step: Step): Promise<void> {
    const { ports } = this.#deps;
    const log = this.#log.child({
      step: step.kind,
      ...('container' in step && { container: step.container }),
    });
    const signal = this.#steps.begin(step, ports.now());
    this.#reached(step, 'before');
    const begun = performance.now();
    const ended = (outcome: StepOutcome) =>
      this.#deps.measures?.stepEnded(step.kind, performance.now() - begun, outcome);
    try {
      if (step.kind === 'forgetTask') {
        await this.#forget(step);
        return;
      }
      const event = await runStep(
        {
          ...ports,
          hostResources: this.#deps.hostResources,
          imageKeeper: this.#deps.imageKeeper,
          foundImages: this.#foundImages,
          task: this.#state,
          signal,
          emit: (fact) => this.post(fact),
          progress: (container, progress) => this.#pulls.note(container, progress, ports.now()),
        },
        step,
      );
      this.#reached(step, 'acted');
      ended('done');
      this.#ended(step, event);
    } catch (error) {
      ended(this.#stepEndedBadly(step, error, signal, log));
    }
    if (step.kind === 'pullImage' || step.kind === 'resolveImage') this.#pulls.end(step.container);
  }

  #stepEndedBadly(step: Step, error: unknown, signal: AbortSignal, log: Logger): StepOutcome {
    if (signal.aborted) {
      this.#ended(step, TICK);
      return 'abandoned';
    }
    const event = judgeFailure(step, error);
    if (event.kind === 'stepFailed') {
      this.#reached(step, 'acted');
      this.#ended(step, event);
      log.warn({ code: event.reason.code, reason: event.reason.message }, 'step failed');
      return 'failed';
    }
    const stuck = this.#steps.postpone(step, error, this.#deps.ports.now());
    if (stuck.tries === 1) log.warn({ err: error }, 'step could not be done; trying again');
    this.post(event);
    return 'retried';
  }

  #ended(step: Step, event: TaskEvent): void {
    this.#inbox.post({ event, step });
    this.#wake.resolve();
  }

  #isStarting(container: string): boolean {
    return (
      this.#steps.isRunning('startContainer', container) ||
      this.#steps.isRunning('restartContainer', container)
    );
  }

  #reached(step: Step, boundary: StepBoundary): void {
    this.#deps.onStep?.({ task: this.#state.spec, step, boundary });
  }

  async #forget(step: Step): Promise<void> {
    await this.#deps.store.commit([{ kind: 'deleteTask', arn: this.#state.spec.arn }]);
    this.#reached(step, 'acted');
    this.#log.info('task cleaned up');
    this.#end(new Error('the task is gone'));
    this.#deps.onForgotten(this);
    this.#reached(step, 'recorded');
  }
}

const TICK: TaskEvent = { kind: 'tick' };
