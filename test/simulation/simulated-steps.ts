import { endOf } from '../../src/engine/steps/container.ts';
import { RuntimeUnavailableError, TaskError, type TaskErrorCode } from '../../src/task/errors.ts';
import type { TaskEvent } from '../../src/task/event.ts';
import { ABANDONABLE_STEPS, type Step, type StepKind, stepContainer } from '../../src/task/step.ts';
import type { TaskState } from '../../src/task/task-state.ts';
import { DIGEST } from '../unit/task/task-story.ts';
import type { Choices } from './choices.ts';
import type { SimulatedRuntime } from './simulated-runtime.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Watch } from './watch.ts';

/** The world that steps act on. */
export interface World {
  readonly choices: Choices;
  readonly time: VirtualTime;
  readonly runtime: SimulatedRuntime;
  readonly watch: Watch;
  /** The task's cgroup and directories. */
  resources: boolean;
  /** Ms until something happens that takes time; short once nothing goes wrong any more. */
  delay(): number;
  isCalm(): boolean;
  forgetTask(): void;
}

/** How a step of the engine ends. */
export interface StepEnd {
  readonly event?: TaskEvent;
  readonly error?: unknown;
}

/** One run of one step: its effect and its answer come at times of their own. */
export interface Attempt {
  readonly step: Step;
  readonly task: TaskState;
  readonly signal: AbortSignal;
  emit(event: TaskEvent): void;
  /** Called at most once. */
  end(end: StepEnd): void;
}

type Fault = 'none' | 'refused' | 'unavailable' | 'answer lost' | 'hangs';

const MINUTE = 60_000;
/** When a call that never answers is given up, ms. */
const DEADLINE_MS: Readonly<Partial<Record<StepKind, number>>> = {
  resolveImage: MINUTE,
  pullImage: 10 * MINUTE,
  createContainer: 4 * MINUTE,
  startContainer: 3 * MINUTE,
  restartContainer: 3 * MINUTE,
  probeHealth: 2000,
  releaseContainer: 5 * MINUTE,
  removeContainer: 5 * MINUTE,
};
const REFUSALS: Readonly<Partial<Record<StepKind, TaskErrorCode>>> = {
  ensureResources: 'CgroupError',
  fetchSecrets: 'TaskResourceError',
  pullImage: 'CannotPullContainerError',
  createContainer: 'CannotCreateContainerError',
  startContainer: 'CannotStartContainerError',
  restartContainer: 'CannotStartContainerError',
  stopContainer: 'CannotStopContainerError',
};

/** Does the steps of the engine in the simulated world, well or with a fault. */
export class SimulatedSteps {
  readonly #world: World;
  /** Effects that have not happened yet, by their attempt. */
  readonly #pending = new Map<Attempt, () => void>();
  /** Stops that wait for the end of a process. */
  readonly #stopping = new Map<string, () => void>();
  readonly #alive = new Set<Attempt>();

  constructor(world: World) {
    this.#world = world;
  }

  run(attempt: Attempt): void {
    const { step, signal } = attempt;
    this.#alive.add(attempt);
    if (ABANDONABLE_STEPS.has(step.kind))
      signal.addEventListener('abort', () => {
        this.#pending.delete(attempt);
        this.#world.time.after(1, () => this.#end(attempt, { error: signal.reason }));
      });
    const fault = this.#fault(step);
    if (step.kind === 'pullImage') attempt.emit({ kind: 'pullStarted' });
    if (fault === 'refused' || fault === 'unavailable')
      this.#world.time.after(this.#world.delay(), () => this.#fail(attempt, fault));
    else if (fault === 'hangs') this.#hang(attempt);
    else this.#later(attempt, this.#world.delay(), () => this.#effect(attempt, fault));
  }

  /** The agent dies: calls under way have had their effect, or never will. */
  die(): void {
    this.#alive.clear();
    this.#stopping.clear();
    for (const effect of [...this.#pending.values()]) if (this.#world.choices.chance(50)) effect();
    this.#pending.clear();
  }

  /** A process has ended. */
  gone(name: string): void {
    this.#stopping.get(name)?.();
  }

  #fault({ kind }: Step): Fault {
    const { choices } = this.#world;
    if (this.#world.isCalm() || kind === 'takeHostResources' || kind === 'forgetTask') return 'none';
    if (!choices.chance(12)) return 'none';
    return choices.of(['refused', 'unavailable', 'answer lost', 'hangs']);
  }

  #later(attempt: Attempt, ms: number, effect: () => void): void {
    const once = () => {
      if (this.#pending.delete(attempt)) effect();
    };
    this.#pending.set(attempt, once);
    this.#world.time.after(ms, once);
  }

  #end(attempt: Attempt, end: StepEnd): void {
    if (!this.#alive.delete(attempt)) return;
    if (attempt.step.kind === 'pullImage') attempt.emit({ kind: 'pullEnded' });
    attempt.end(end);
  }

  #fail(attempt: Attempt, fault: 'refused' | 'unavailable'): void {
    const code = REFUSALS[attempt.step.kind];
    const isRefused = fault === 'refused' && code !== undefined;
    const error = isRefused
      ? new TaskError(code, 'the simulated world refused')
      : new RuntimeUnavailableError('the simulated runtime is away');
    this.#end(attempt, { error });
  }

  /** No answer by the deadline; its effect comes before it, after it, or never. */
  #hang(attempt: Attempt): void {
    const { choices, time } = this.#world;
    const { step } = attempt;
    const margin = step.kind === 'stopContainer' ? Math.max(0, step.killAtMs - time.now) : 0;
    const deadlineMs = (DEADLINE_MS[step.kind] ?? 2 * MINUTE) + margin;
    const effectMs = choices.of([undefined, 10, deadlineMs + 30_000]);
    if (effectMs !== undefined) this.#later(attempt, effectMs, () => this.#effect(attempt, 'hangs'));
    const event = step.kind === 'probeHealth' && timedOutProbe(step.container);
    time.after(deadlineMs, () =>
      this.#end(
        attempt,
        event ? { event } : { error: new TaskError('DockerTimeoutError', `${step.kind} took too long`) },
      ),
    );
  }

  #effect(attempt: Attempt, fault: Fault): void {
    const { step } = attempt;
    if (step.kind === 'stopContainer') {
      this.#stop(attempt, step.container, step.killAtMs, fault);
      return;
    }
    let end: StepEnd;
    try {
      end = { event: this.#act(attempt, step) };
    } catch (error) {
      if (!(error instanceof TaskError)) throw error;
      end = { error };
    }
    if (fault === 'answer lost') end = { error: new RuntimeUnavailableError('the answer was lost') };
    if (fault !== 'hangs') this.#world.time.after(this.#world.delay(), () => this.#end(attempt, end));
  }

  #act(attempt: Attempt, step: Exclude<Step, { kind: 'stopContainer' }>): TaskEvent {
    const { runtime, watch, time, choices } = this.#world;
    const container = stepContainer(step) ?? '';
    switch (step.kind) {
      case 'takeHostResources':
        return { kind: 'hostResourcesTaken' };
      case 'ensureResources':
        this.#world.resources = true;
        return { kind: 'resourcesReady' };
      case 'fetchSecrets':
        return { kind: 'secretsFetched' };
      case 'resolveImage':
        return choices.of<TaskEvent>([
          { kind: 'imageResolved', container, digest: DIGEST },
          { kind: 'imageResolved', container },
          { kind: 'imagePinned', container, digest: DIGEST },
          {
            kind: 'imageUnresolved',
            container,
            reason: { code: 'CannotPullImageManifestError', message: '' },
          },
        ]);
      case 'pullImage':
        return { kind: 'imagePulled', container, imageName: 'busybox', imageId: DIGEST };
      case 'createContainer': {
        // One that was given up may come true at any time.
        const isAlive = this.#alive.has(attempt);
        if (isAlive) watch.creates(container, this.#world.resources);
        runtime.create(container);
        const addresses = { ipv4: '172.17.0.2' };
        if (isAlive) attempt.emit({ kind: 'networkReady', container, bindings: [], addresses });
        return { kind: 'containerCreated', container };
      }
      case 'startContainer':
        runtime.start(container, -1);
        return { kind: 'containerStarted', container, pid: 1, startedAt: time.now };
      case 'restartContainer':
        runtime.start(container, step.afterRun);
        return { kind: 'containerRestarted', container, pid: 2, afterRun: step.afterRun };
      case 'probeHealth':
        return this.#probe(container);
      case 'releaseContainer':
        watch.releases(container);
        runtime.release(container);
        return { kind: 'containerReleased', container };
      case 'releaseTaskNetwork':
        return { kind: 'taskNetworkReleased' };
      case 'removeContainer':
        // A call that was given up may act as late as when all is gone.
        if (runtime.observe(container).state !== 'absent') watch.removes(container, time.now);
        runtime.remove(container);
        return { kind: 'containerRemoved', container };
      case 'removeResources':
        if (this.#world.resources) watch.removes('the cgroup', time.now);
        this.#world.resources = false;
        return { kind: 'resourcesRemoved' };
      case 'forgetTask':
        watch.removes('the record', time.now);
        this.#world.forgetTask();
        return { kind: 'tick' };
    }
  }

  #probe(container: string): TaskEvent {
    const { runtime, watch, choices } = this.#world;
    const isUp = runtime.observe(container).state === 'running';
    const exitCode = isUp ? choices.of([0, 0, 1]) : -1;
    if (exitCode === 0) watch.probedHealthy(container);
    return { kind: 'healthProbed', container, result: { exitCode, output: 'out' } };
  }

  /** Signals, kills when it is due, and answers when the process is gone. */
  #stop(attempt: Attempt, name: string, killAtMs: number, fault: Fault): void {
    const { runtime, watch, time } = this.#world;
    watch.stops(name, killAtMs);
    // A start that is still under way is ended with it, as the runtime's contract has it.
    for (const other of this.#pending.keys())
      if (stepContainer(other.step) === name && /^(re)?start/.test(other.step.kind))
        this.#pending.delete(other);
    const answer = () => {
      this.#stopping.delete(name);
      const observation = runtime.observe(name);
      const exit = observation.state === 'exited' ? observation.exit : undefined;
      const end =
        fault === 'answer lost'
          ? { error: new RuntimeUnavailableError('the answer was lost') }
          : { event: endOf(attempt.task, name, exit) };
      if (fault !== 'hangs') time.after(this.#world.delay(), () => this.#end(attempt, end));
    };
    if (runtime.observe(name).state !== 'running') {
      answer();
      return;
    }
    this.#stopping.set(name, answer);
    runtime.signal(name);
    time.at(killAtMs, () => {
      if (this.#alive.has(attempt)) runtime.kill(name);
    });
  }
}

function timedOutProbe(container: string): TaskEvent {
  return { kind: 'healthProbed', container, result: { output: 'no answer' } };
}
