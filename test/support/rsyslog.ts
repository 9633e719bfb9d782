import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { freePort } from './free-port.ts';
import { makeScratch, type Scratch } from './scratch.ts';
import { until } from './until.ts';

/** rsyslog with a listener of each kind; what arrives is written as it came, with what was read out of it. */
export class Rsyslog implements AsyncDisposable {
  readonly scratch: Scratch = makeScratch();
  readonly #process: ChildProcess;
  readonly port: number;

  static async start(): Promise<Rsyslog> {
    const server = new Rsyslog(await freePort());
    await until(() => existsSync(server.socket), { what: 'rsyslog listens', timeoutMs: 20_000 });
    return server;
  }

  private constructor(port: number) {
    this.port = port;
    writeFileSync(
      this.scratch.path('rsyslog.conf'),
      `
global(workDirectory="${this.scratch.path('')}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")
module(load="imudp") module(load="imtcp")
module(load="imuxsock" SysSock.Use="off")
template(name="line" type="string" string="%pri%|%hostname%|%app-name%|%procid%|%msg%\\n")
ruleset(name="all") { action(type="omfile" file="${this.file}" template="line") }
input(type="imudp" address="127.0.0.1" port="${port}" ruleset="all")
input(type="imtcp" address="127.0.0.1" port="${port}" ruleset="all")
input(type="imuxsock" socket="${this.socket}" ruleset="all" ratelimit.interval="0" useSpecialParser="off")
`,
    );
    this.#process = spawn(
      '/usr/sbin/rsyslogd',
      ['-n', '-f', this.scratch.path('rsyslog.conf'), '-i', this.scratch.path('pid')],
      { stdio: 'ignore' },
    );
  }

  /** Where it writes what it receives. */
  get file(): string {
    return this.scratch.path('received');
  }

  get socket(): string {
    return this.scratch.path('socket');
  }

  /** Stops it, or lets it go on. */
  stall(isStalled: boolean): void {
    this.#process.kill(isStalled ? 'SIGSTOP' : 'SIGCONT');
  }

  /** Lines whose program is this tag: priority, host, program, pid and text. */
  received(tag: string): string[][] {
    if (!existsSync(this.file)) return [];
    return readFileSync(this.file, 'utf8')
      .split('\n')
      .map((line) => line.split('|'))
      .filter((fields) => fields[2] === tag);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
    await this.scratch.remove();
  }
}
