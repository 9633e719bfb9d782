import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { makeScratch, type Scratch } from './scratch.ts';
import { until } from './until.ts';

/** A real systemd-journald with a /run of its own: a mount namespace in which the log service runs too. */
export class Journald implements AsyncDisposable {
  readonly scratch: Scratch = makeScratch();
  readonly #process: ChildProcess;

  static async start(): Promise<Journald> {
    const journald = new Journald();
    await until(() => existsSync(`/proc/${journald.pid}/root/run/systemd/journal/socket`), {
      what: 'journald listens',
    });
    return journald;
  }

  private constructor() {
    // All its sockets and its journal are below /run; the rate limit would drop what a test writes fast.
    const script = [
      'mount -t tmpfs tmpfs /run',
      'mkdir -p /run/systemd/journal /run/log/journal /run/systemd/journald.conf.d',
      'printf "[Journal]\\nStorage=volatile\\nRateLimitBurst=0\\nForwardToSyslog=no\\n" >/run/systemd/journald.conf.d/test.conf',
      'exec /lib/systemd/systemd-journald',
    ].join(' && ');
    this.#process = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script], {
      stdio: 'ignore',
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** A program that runs Node where journald's sockets are. */
  get nodePath(): string {
    const program = this.scratch.path('node-beside-journald');
    const script = `#!/bin/sh\nexec nsenter -m -t ${this.pid} -- ${process.execPath} "$@"\n`;
    if (!existsSync(program)) writeFileSync(program, script, { mode: 0o755 });
    return program;
  }

  /** Follows the messages of a container from the first on; ends with the signal. */
  async *messages(containerId: string, signal: AbortSignal): AsyncGenerator<string, void> {
    const args = [
      ...this.#journal,
      '-o',
      'cat',
      '--all',
      '-f',
      '--no-tail',
      `CONTAINER_ID_FULL=${containerId}`,
    ];
    const child = spawn('journalctl', args, { stdio: ['ignore', 'pipe', 'ignore'], signal });
    child.on('error', () => {});
    yield* createInterface(child.stdout);
  }

  /** Stops it, or lets it go on. */
  stall(isStalled: boolean): void {
    this.#process.kill(isStalled ? 'SIGSTOP' : 'SIGCONT');
  }

  get #journal(): readonly string[] {
    return ['-D', `/proc/${this.pid}/root/run/log/journal`];
  }

  /** Entries of a container, oldest first. */
  entries(containerId: string): Record<string, unknown>[] {
    const output = execFileSync(
      'journalctl',
      [...this.#journal, '-o', 'json', '--all', `CONTAINER_ID_FULL=${containerId}`],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 },
    );
    return output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
    await this.scratch.remove();
  }
}
