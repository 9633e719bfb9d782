import type { TaskEvent } from '../../src/task/event.ts';
import type { DesiredStatus } from '../../src/task/statuses.ts';
import { START } from '../unit/task/task-story.ts';
import type { Choices } from './choices.ts';
import type { EngineRules } from './engine-rules.ts';
import { chooseScenario, type Scenario } from './scenario.ts';
import { SimulatedAgent } from './simulated-agent.ts';
import { SimulatedRuntime } from './simulated-runtime.ts';
import type { World } from './simulated-steps.ts';
import { SimulatedStore } from './simulated-store.ts';
import { VirtualTime } from './virtual-time.ts';
import { Violation, Watch } from './watch.ts';

/** What came of a history. */
export interface HistoryResult {
  /** Events that the core reduced; passing time does not count. */
  readonly events: number;
  readonly containers: number;
  readonly violation?: Violation;
}

const MINUTE = 60_000;
/** The look at everything that needs no reason. */
const LOOK_MS = 5 * MINUTE;
const RESYNC_MS = 500;
/** How long after the last trouble a history may take, beside the waits that the task itself asks for. */
const PATIENCE_MS = 120 * MINUTE;
const MOST_EVENTS = 5000;

/**
 * One task from its arrival to its clean-up, in a world that delays, repeats, reorders, drops and dies as the
 * choices say, and is calm after a while.
 */
export class History {
  readonly #choices: Choices;
  readonly #rules: EngineRules;
  readonly #time = new VirtualTime(START);
  readonly #store = new SimulatedStore();
  readonly #scenario: Scenario;
  readonly #runtime: SimulatedRuntime;
  readonly #world: World;
  readonly #trace: ((line: string) => void) | undefined;
  readonly #acked = new Set<DesiredStatus>();
  #agent: SimulatedAgent | undefined;
  #isSending = false;
  #isForgotten = false;
  #toldStopped = false;
  #hasRebooted = false;
  #events = 0;

  constructor(choices: Choices, rules: EngineRules, trace?: (line: string) => void) {
    this.#choices = choices;
    this.#rules = rules;
    this.#trace = trace;
    const scenario = chooseScenario(choices);
    this.#scenario = scenario;
    const watch = new Watch(scenario, this.#store, () => this.#runtime);
    this.#runtime = new SimulatedRuntime(
      scenario.spec.containers.map(({ name }) => name),
      choices,
      this.#time,
      {
        starts: (container) => {
          this.#say(() => `${container.name} starts, run ${container.runs}`);
          watch.starts(container);
        },
        exited: (name, exit) => {
          this.#say(() => `${name} ends with ${exit.exitCode}`);
          this.#agent?.processGone(name);
          this.#deliverExit(() => this.#agent?.exited(name, exit));
        },
      },
    );
    this.#world = {
      choices,
      time: this.#time,
      runtime: this.#runtime,
      watch,
      resources: false,
      isCalm: () => this.#isCalm(),
      delay: () => (this.#isCalm() ? 1 : choices.of([1, 1, 10, 100, 1000, 10_000])),
      forgetTask: () => {
        this.#store.task = undefined;
        this.#isForgotten = true;
      },
    };
  }

  run(): HistoryResult {
    const { spec } = this.#scenario;
    const measured = () => ({ events: this.#events, containers: spec.containers.length });
    try {
      this.#begin();
      this.#untilOver();
      this.#world.watch.ended(this.#world.resources, this.#hasRebooted);
      return measured();
    } catch (error) {
      const violation =
        error instanceof Violation
          ? error
          : new Violation('always progress or a wait reason', `the engine threw: ${String(error)}`);
      return { ...measured(), violation };
    }
  }

  #begin(): void {
    const { calmAfterMs, stopAfterMs, spec } = this.#scenario;
    this.#say(() => sayScenario(this.#scenario));
    this.#startAgent(false);
    this.#lookEvery();
    this.#send('RUNNING');
    this.#time.after(stopAfterMs, () => this.#send('STOPPED'));
    if (calmAfterMs === 0) return;
    for (let left = this.#choices.of([0, 1, 2, 4]); left > 0; left -= 1)
      this.#time.after(this.#choices.below(calmAfterMs), () => this.#crash());
    for (const { name } of spec.containers)
      if (this.#choices.chance(5))
        this.#time.after(this.#choices.below(calmAfterMs), () => this.#runtime.loseShim(name));
  }

  #untilOver(): void {
    const { calmAfterMs, stopAfterMs, rules } = this.#scenario;
    const patience = Math.max(calmAfterMs, stopAfterMs) + rules.cleanupWaitMs + PATIENCE_MS;
    const isOver = () =>
      this.#isForgotten &&
      this.#agent !== undefined &&
      !this.#world.resources &&
      [...this.#runtime.containers.values()].every(({ record }) => record === 'absent');
    while (!isOver()) {
      if (!this.#time.step() || this.#time.now > START + patience || this.#events > MOST_EVENTS)
        throw new Violation('always progress or a wait reason', 'the task never came to its end');
    }
  }

  /** ECS sends until it is acked, also twice, also out of order; not of a task that it knows to be over. */
  #send(desired: DesiredStatus): void {
    if (this.#acked.has(desired) || this.#toldStopped) return;
    const deliver = () => {
      if (this.#isForgotten || this.#toldStopped) return;
      this.#say(() => `ECS wants the task ${desired}`);
      this.#agent?.receive(desired, () => this.#acked.add(desired));
    };
    const isLost = !this.#isCalm() && this.#choices.chance(15);
    if (!isLost) this.#time.after(this.#world.delay(), deliver);
    if (!this.#isCalm() && this.#choices.chance(20)) this.#time.after(this.#world.delay(), deliver);
    this.#time.after(30_000, () => this.#send(desired));
  }

  /** Exits come late, twice, or not at all; then the broken stream tells that something was missed. */
  #deliverExit(deliver: () => void): void {
    const { choices } = this;
    if (this.#isCalm()) {
      this.#time.after(1, deliver);
      return;
    }
    const fate = choices.of(['once', 'once', 'once', 'twice', 'lost', 'lost unnoticed']);
    if (fate === 'once' || fate === 'twice') this.#time.after(this.#world.delay(), deliver);
    if (fate === 'twice') this.#time.after(this.#world.delay(), deliver);
    if (fate === 'lost') this.#time.after(RESYNC_MS, () => this.#agent?.look());
  }

  get choices(): Choices {
    return this.#choices;
  }

  #lookEvery(): void {
    this.#time.after(LOOK_MS, () => {
      this.#agent?.look();
      this.#lookEvery();
    });
  }

  #startAgent(hasRebooted: boolean): void {
    const agent = new SimulatedAgent({
      world: this.#world,
      store: this.#store,
      scenario: this.#scenario,
      rules: this.#rules,
      onOutbox: () => this.#report(),
      onEvent: (event) => this.#onEvent(event),
      trace: (line) => this.#say(line),
    });
    this.#agent = agent;
    this.#isSending = false;
    this.#world.watch.agentStarted(this.#time.now);
    agent.start(hasRebooted);
    agent.look();
    this.#report();
  }

  #crash(): void {
    if (this.#agent === undefined) return;
    const hasRebooted = this.#choices.chance(25);
    this.#say(() => (hasRebooted ? 'the host restarts' : 'the agent is killed'));
    this.#agent.die();
    this.#agent = undefined;
    if (hasRebooted) {
      this.#hasRebooted = true;
      this.#runtime.reboot();
      this.#world.resources = false;
    }
    const downMs = this.#choices.of([50, 2000, MINUTE, 20 * MINUTE]);
    this.#time.after(downMs, () => {
      this.#say(() => 'the agent starts');
      this.#startAgent(hasRebooted);
    });
  }

  /** Sends the head of the outbox; requests and answers get lost. */
  #report(): void {
    const agent = this.#agent;
    const head = this.#store.outbox[0];
    if (this.#isSending || agent === undefined || head === undefined) return;
    this.#isSending = true;
    const isLost = !this.#isCalm() && this.#choices.chance(15);
    const isAnswerLost = !this.#isCalm() && this.#choices.chance(10);
    this.#time.after(this.#world.delay(), () => {
      if (this.#agent !== agent) return;
      if (!isLost) {
        this.#world.watch.toldEcs(head.id);
        if (head.report.status === 'STOPPED') this.#toldStopped = true;
      }
      this.#isSending = false;
      if (isLost || isAnswerLost) {
        this.#time.after(1000, () => this.#report());
        return;
      }
      this.#store.deleteReport(head.id);
      this.#time.after(this.#world.delay(), () => agent.reportSettled());
      this.#report();
    });
  }

  #isCalm(): boolean {
    return this.#time.now >= START + this.#scenario.calmAfterMs;
  }

  #onEvent(event: TaskEvent): void {
    if (event.kind === 'tick') return;
    this.#events += 1;
    this.#say(() => `event ${JSON.stringify(event)}`);
  }

  #say(line: () => string): void {
    this.#trace?.(`${String(this.#time.now - START).padStart(9)} ms  ${line()}`);
  }
}

function sayScenario({ spec, rules, calmAfterMs, stopAfterMs }: Scenario): string {
  const containers = spec.containers.map(
    ({ name, essential, dependsOn, restartPolicy, healthCheck, startTimeoutSec, stopTimeoutSec }) =>
      JSON.stringify({
        name,
        essential,
        dependsOn: dependsOn.map((on) => `${on.containerName} ${on.condition}`),
        restartPolicy,
        healthCheck,
        startTimeoutSec,
        stopTimeoutSec,
      }),
  );
  return [
    `rules ${JSON.stringify({ ...rules, calmAfterMs, stopAfterMs })}`,
    ...containers.map((container) => `    container ${container}`),
  ].join('\n');
}
