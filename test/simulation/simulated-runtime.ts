import type { ContainerExit, ContainerObservation } from '../../src/task/container-facts.ts';
import { TaskError } from '../../src/task/errors.ts';
import type { Choices } from './choices.ts';
import { chooseScript, type ProcessScript } from './scenario.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A container as it truly is, whatever the agent believes. */
export interface SimulatedContainer {
  readonly name: string;
  record: 'absent' | 'made';
  /** Of the run that lives now. */
  script?: ProcessScript;
  /** Of the last run, until it is released. */
  exit?: ContainerExit;
  /** Runs so far, the living one included. */
  runs: number;
  readonly exits: ContainerExit[];
  everCreated: boolean;
  stopSignalled: boolean;
}

/** Who must hear of what happens in the runtime. */
export interface RuntimeAudience {
  exited(name: string, exit: ContainerExit): void;
  starts(container: SimulatedContainer): void;
}

/** Keeps the contract of `ContainerRuntime`, with processes that follow scripts on virtual time. */
export class SimulatedRuntime {
  readonly containers: ReadonlyMap<string, SimulatedContainer>;
  readonly #choices: Choices;
  readonly #time: VirtualTime;
  readonly #audience: RuntimeAudience;

  constructor(names: readonly string[], choices: Choices, time: VirtualTime, audience: RuntimeAudience) {
    this.containers = new Map(
      names.map((name) => [
        name,
        { name, record: 'absent', runs: 0, exits: [], everCreated: false, stopSignalled: false },
      ]),
    );
    this.#choices = choices;
    this.#time = time;
    this.#audience = audience;
  }

  get(name: string): SimulatedContainer {
    const found = this.containers.get(name);
    if (found === undefined) throw new Error(`no container ${name}`);
    return found;
  }

  observe(name: string): ContainerObservation {
    const { record, script, exit, runs } = this.get(name);
    if (record === 'absent') return { state: 'absent' };
    if (script !== undefined) return { state: 'running', pid: runs };
    if (exit !== undefined) return { state: 'exited', exit };
    return { state: runs === 0 ? 'created' : 'released' };
  }

  create(name: string): void {
    const container = this.get(name);
    container.record = 'made';
    container.everCreated = true;
  }

  /** Throws as the runtime does when there is nothing to start. */
  start(name: string, afterRun: number): void {
    const container = this.get(name);
    const { state } = this.observe(name);
    const isOver = state === 'exited' && container.runs - 1 <= afterRun;
    if (state === 'absent' || state === 'released')
      throw new TaskError('CannotStartContainerError', `the container is ${state}`);
    if (state !== 'created' && !isOver) return;
    this.#audience.starts(container);
    const script = chooseScript(this.#choices, name);
    container.script = script;
    delete container.exit;
    const run = container.runs;
    container.runs += 1;
    if (script.endsAfterMs !== undefined)
      this.#time.after(script.endsAfterMs, () =>
        this.#end(container, run, { exitCode: script.exitCode, oomKilled: script.oomKilled }),
      );
  }

  /** Sends the stop signal. */
  signal(name: string): void {
    const container = this.get(name);
    const { script, stopSignalled } = container;
    if (script === undefined || stopSignalled) return;
    const run = container.runs - 1;
    container.stopSignalled = true;
    if (script.obeysAfterMs !== undefined)
      this.#time.after(script.obeysAfterMs, () =>
        this.#end(container, run, { exitCode: script.stopCode ?? 143, oomKilled: false }),
      );
  }

  kill(name: string): void {
    const container = this.get(name);
    this.#end(container, container.runs - 1, { exitCode: 137, oomKilled: false });
  }

  release(name: string): void {
    delete this.get(name).exit;
  }

  remove(name: string): void {
    const container = this.get(name);
    if (container.script !== undefined) throw new Error(`${name} was removed while it ran`);
    container.record = 'absent';
    delete container.exit;
  }

  /** Its shim dies: nobody will know how it ended. */
  loseShim(name: string): void {
    const container = this.get(name);
    this.#end(container, container.runs - 1, {
      exitCode: 137,
      oomKilled: false,
      detail: 'its shim has died',
    });
  }

  /** The host restarts: records stay, everything else goes, and no event tells of it. */
  reboot(): void {
    for (const container of this.containers.values()) {
      delete container.script;
      delete container.exit;
    }
  }

  #end(container: SimulatedContainer, run: number, how: Omit<ContainerExit, 'exitedAt' | 'run'>): void {
    if (container.script === undefined || container.runs - 1 !== run) return;
    const exit: ContainerExit = { ...how, exitedAt: this.#time.now, run };
    delete container.script;
    container.exit = exit;
    container.exits.push(exit);
    this.#audience.exited(container.name, exit);
  }
}
