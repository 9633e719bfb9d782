import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import type { RunResult } from '../support/run.ts';
import { until } from '../support/until.ts';

const repository = join(import.meta.dirname, '../..');
const NODE_IN_BUNDLE = '/bundle/node';

/** In emulation everything takes its time. */
const BOOT_TIMEOUT_MS = 300_000;
const COMMAND_TIMEOUT_MS = 180_000;
const LIFETIME_SEC = 3_000;

export interface MachineOptions {
  /** What scripts/bundle made; it is /bundle in the machine, whose Node runs our side of it. */
  readonly bundle: string;
  /** Its console and its own errors. */
  readonly logFile: string;
  /** Ports of this host's loopback that are on the machine's loopback too. */
  readonly ports: readonly number[];
}

/** How a command in the machine ended; both its outputs are in `output`. */
export interface CommandResult {
  readonly exitCode: RunResult['exitCode'];
  readonly output: string;
}

/** A virtual machine (scripts/vm) that runs commands as root; the repository is /repo in it. */
export class Machine implements AsyncDisposable {
  readonly #daemon: Daemon;
  readonly #server: Server;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, PromiseWithResolvers<CommandResult>>();
  #nextId = 1;

  private constructor(daemon: Daemon, server: Server, socket: Socket) {
    this.#daemon = daemon;
    this.#server = server;
    this.#socket = socket;
    createInterface({ input: socket }).on('line', (line) => this.#receive(line));
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the virtual machine has ended'));
    });
  }

  /** Boots and waits until commands can be run. */
  static async boot({ bundle, logFile, ports }: MachineOptions): Promise<Machine> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the kernel gave no port');
    const forwarded = [address.port, ...ports].map(String);
    let socket: Socket | undefined;
    server.on('connection', (connection) => {
      // qemu opens one at its start too, for a port that nobody uses yet.
      connection.once('data', () => {
        socket = connection;
      });
      connection.on('error', () => {});
    });
    const daemon = await startDaemon({
      command: join(repository, 'scripts/vm'),
      args: [
        ...['--share', `${repository}:/repo`, '--share', `${bundle}:/bundle`],
        ...forwarded.flatMap((port) => ['--host-port', port]),
        ...['--timeout', String(LIFETIME_SEC)],
        ...['--', NODE_IN_BUNDLE, '/repo/test/vm/guest.ts', ...forwarded],
      ],
      logFile,
      ready: () => socket !== undefined,
      readyTimeoutMs: BOOT_TIMEOUT_MS,
      deathSignal: 'TERM',
    });
    if (socket === undefined) throw new Error('the virtual machine did not call back');
    return new Machine(daemon, server, socket);
  }

  /** Runs a line of bash to its end; a failing status is a result. */
  async tryRun(command: string): Promise<CommandResult> {
    if (this.#socket.destroyed) throw new Error('the connection to the virtual machine has ended');
    const id = this.#nextId++;
    const waiting = Promise.withResolvers<CommandResult>();
    this.#waiting.set(id, waiting);
    this.#socket.write(`${JSON.stringify({ id, command })}\n`);
    const limit = setTimeout(
      () => waiting.reject(new Error(`not done within ${COMMAND_TIMEOUT_MS} ms: ${command}`)),
      COMMAND_TIMEOUT_MS,
    );
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(limit);
      this.#waiting.delete(id);
    }
  }

  /** Runs a line of bash that must succeed; gives its trimmed output. */
  async run(command: string): Promise<string> {
    const { exitCode, output } = await this.tryRun(command);
    if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode ?? 'a signal'}: ${output}`);
    return output.trim();
  }

  /** Waits until a command's output is what `accept` wants. */
  async reach(command: string, accept: (output: string) => boolean, timeoutMs = 120_000): Promise<string> {
    let last = '';
    return await until(
      async () => {
        last = (await this.tryRun(command)).output.trim();
        return accept(last) && last;
      },
      { what: `it is as wanted: ${command}`, timeoutMs, intervalMs: 500 },
    ).catch((cause: unknown) => {
      throw new Error(`${cause instanceof Error ? cause.message : String(cause)}; it is:\n${last}`, {
        cause,
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    this.#server.close();
    await this.#daemon.stop();
  }

  #receive(line: string): void {
    const result = JSON.parse(line) as { readonly id?: number } & CommandResult;
    if (result.id !== undefined) this.#waiting.get(result.id)?.resolve(result);
  }
}
