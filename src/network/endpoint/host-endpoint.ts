import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type RunCommand, runCommand } from '../../host/run-command.ts';
import { ensureEndpointRoute, removeEndpointRoute } from './endpoint-route.ts';
import { ensureEndpointRule, hasEndpointRule, removeEndpointRule } from './endpoint-rule.ts';

const CHECK_MS = 15_000;
const TIMEOUT_MS = 10_000;

export interface HostEndpointOptions {
  /** Name of the table, or of the comment that marks the rule; derives from the agent's namespace. */
  readonly table: string;
  /** A file that is there as long as the rule is to be; it outlives the agent, not the boot. */
  readonly marker: string;
  readonly run?: RunCommand;
  /** The rule could not be made, or was taken away by somebody. */
  onTrouble(error: unknown): void;
}

/**
 * The rule by which programs in the host's network get from 169.254.170.2:80 to the agent's listener on
 * 127.0.0.1:51679 (networking.md §3.3, 5), with a route where the host has none. It is there from the first task
 * that needs it to the end of the last one, and put back when somebody flushes it.
 */
export class HostEndpoint {
  readonly #options: HostEndpointOptions;
  readonly #run: RunCommand;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HostEndpointOptions) {
    this.#options = options;
    this.#run = options.run ?? runCommand;
  }

  async ensure({ signal }: { signal: AbortSignal }): Promise<void> {
    if (this.#timer !== undefined) return;
    const { table, marker } = this.#options;
    await mkdir(dirname(marker), { recursive: true, mode: 0o700 });
    await writeFile(marker, '');
    await ensureEndpointRoute();
    await ensureEndpointRule(table, 'host', { run: this.#run, signal });
    this.#watch();
  }

  /** Tells of a failure that nobody else is told of. */
  trouble(error: unknown): void {
    this.#options.onTrouble(error);
  }

  /** Takes up what an earlier run of the agent made. */
  resume(): void {
    if (existsSync(this.#options.marker)) this.#watch();
  }

  /** Takes rule and route away: no task needs them any more. Not there: success. */
  async remove(): Promise<void> {
    const { table, marker } = this.#options;
    this.close();
    if (!existsSync(marker)) return;
    await removeEndpointRule(table, 'host', this.#call());
    await removeEndpointRoute();
    await rm(marker, { force: true });
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
      await ensureEndpointRule(table, 'host', this.#call());
      onTrouble(new Error('the rule for 169.254.170.2 was removed by somebody else; put back'));
    } catch (error) {
      onTrouble(error);
    }
  }

  #call() {
    return { run: this.#run, signal: AbortSignal.timeout(TIMEOUT_MS) };
  }
}
