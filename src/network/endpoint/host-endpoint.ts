import { readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedLock } from '../../async/keyed-lock.ts';
import { borrowLoopbackRouting, returnLoopbackRouting } from '../../host/loopback-routing.ts';
import { type RunCommand, runCommand } from '../../host/run-command.ts';
import type { TaskId } from '../../task/ids.ts';
import { ensureEndpointRoute, removeEndpointRoute } from './endpoint-route.ts';
import { ensureEndpointRule, hasEndpointRule, removeEndpointRule } from './endpoint-rule.ts';

const CHECK_MS = 15_000;
const TIMEOUT_MS = 10_000;

export interface HostEndpointOptions {
  /** Name of the table, or of the comment that marks the rule; derives from the agent's namespace. */
  readonly table: string;
  /** A directory with a file for each task that needs the rule; it outlives the agent, not the boot. */
  readonly users: string;
  /** Link of a bridge of the runtime's own, whose containers need the rule too. */
  readonly bridge?: string;
  readonly run?: RunCommand;
  /** The rule could not be made, or was taken away by somebody. */
  onTrouble(error: unknown): void;
}

/**
 * The rule by which programs in the host's network, and those on a bridge of the runtime's own, get from
 * 169.254.170.2:80 to the agent's listener on 127.0.0.1:51679 (networking.md §3.3), with a route where the host has
 * none. It is there from the first task that needs it to the end of the last one, and put back when somebody
 * flushes it.
 */
export class HostEndpoint {
  readonly #options: HostEndpointOptions;
  readonly #run: RunCommand;
  readonly #lock = new KeyedLock();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HostEndpointOptions) {
    this.#options = options;
    this.#run = options.run ?? runCommand;
  }

  /** Makes it for a task, before anything of the task runs; there already: success. */
  async ensure(task: TaskId, { signal }: { signal: AbortSignal }): Promise<void> {
    const { table, users } = this.#options;
    await this.#lock.run(table, async () => {
      await mkdir(users, { recursive: true, mode: 0o700 });
      await writeFile(join(users, task), '');
      if (this.#timer !== undefined) return;
      await ensureEndpointRoute();
      await this.#make(signal);
      this.#watch();
    });
  }

  /** Tells of a failure that nobody else is told of. */
  trouble(error: unknown): void {
    this.#options.onTrouble(error);
  }

  /** Takes up what an earlier run of the agent made. */
  resume(): void {
    if (this.#users().length > 0) this.#watch();
  }

  /** A task needs it no more; with the last one rule and route go. Of one that never did: success. */
  async release(task: TaskId): Promise<void> {
    const { table, users } = this.#options;
    await this.#lock.run(table, async () => {
      const found = this.#users();
      if (!found.includes(task)) return;
      if (found.length === 1) {
        this.close();
        // Before the rules, which keep what comes by the bridge from the rest of the loopback.
        returnLoopbackRouting(this.#routing());
        await removeEndpointRule(table, 'host', this.#call());
        await removeEndpointRoute();
      }
      // Last, so that what a killed agent left half-done is found.
      await rm(join(users, task), { force: true });
    });
  }

  /** Does the same for tasks that nobody knows. */
  async releaseUnknown(knowsTask: (task: TaskId) => boolean): Promise<void> {
    for (const task of this.#users()) if (!knowsTask(task)) await this.release(task);
  }

  /** Looks after the rule no longer; it stays for the tasks that run on. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #watch(): void {
    this.#timer ??= setInterval(() => void this.#check(), CHECK_MS).unref();
  }

  async #check(): Promise<void> {
    const { table, onTrouble } = this.#options;
    try {
      if (await hasEndpointRule(table, 'host', this.#call())) return;
      if (this.#timer === undefined) return;
      await this.#make(AbortSignal.timeout(TIMEOUT_MS));
      onTrouble(new Error('the rule for 169.254.170.2 was removed by somebody else; put back'));
    } catch (error) {
      onTrouble(error);
    }
  }

  async #make(signal: AbortSignal): Promise<void> {
    const { bridge, table } = this.#options;
    await ensureEndpointRule(table, 'host', { ...this.#call(), signal });
    if (bridge !== undefined) borrowLoopbackRouting(bridge, this.#routing());
  }

  /** Remembers a setting of the bridge. */
  #routing(): string {
    return `${this.#options.users}-routing`;
  }

  #users(): readonly TaskId[] {
    try {
      return readdirSync(this.#options.users).map((name) => name as TaskId);
    } catch {
      return [];
    }
  }

  #call() {
    const { bridge } = this.#options;
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return { run: this.#run, signal, ...(bridge !== undefined && { bridge }) };
  }
}
