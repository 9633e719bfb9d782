import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { run, tryRun } from './run.ts';
import { until } from './until.ts';

const setns: (fd: number, type: number) => number = koffi.load('libc.so.6').func('int setns(int, int)');
/** How long an answer may take. */
const ANSWER_SEC = 4;
const CLONE_NEWNET = 0x4000_0000;

const PORT_SERVER = fileURLToPath(new URL('port-server.ts', import.meta.url));

/** Addresses of a host that tests play, and of a machine that reaches it from outside. */
export const HOST = { inside4: '10.99.0.1', outside4: '10.99.0.2', inside6: 'fd99::1', outside6: 'fd99::2' };

/**
 * A network namespace that plays a whole host, with one link to another that plays the rest of the world. The
 * machine's own interfaces and rules are never touched.
 */
export class NetworkHost implements AsyncDisposable {
  readonly name: string;
  readonly outside: string;

  private constructor(name: string) {
    this.name = name;
    this.outside = `${name}-out`;
  }

  /** `name` tells it from others of this process. */
  static async create(name: string, { ipv6 = false } = {}): Promise<NetworkHost> {
    const host = new NetworkHost(`ecs-test-${process.pid}-${name}`);
    await run('ip', ['netns', 'add', host.name]);
    await run('ip', ['netns', 'add', host.outside]);
    const lines = [
      `-n ${host.name} link set lo up`,
      `-n ${host.outside} link set lo up`,
      `link add up0 netns ${host.name} type veth peer name up0 netns ${host.outside}`,
      `-n ${host.name} addr add ${HOST.inside4}/24 dev up0`,
      `-n ${host.outside} addr add ${HOST.outside4}/24 dev up0`,
      ...(ipv6
        ? [
            `-n ${host.name} -6 addr add ${HOST.inside6}/64 dev up0 nodad`,
            `-n ${host.outside} -6 addr add ${HOST.outside6}/64 dev up0 nodad`,
          ]
        : []),
      `-n ${host.name} link set up0 up`,
      `-n ${host.outside} link set up0 up`,
      `-n ${host.name} route add default via ${HOST.outside4}`,
      ...(ipv6 ? [`-n ${host.name} -6 route add default via ${HOST.outside6}`] : []),
    ];
    for (const line of lines) await run('ip', line.split(' '));
    // As on a new host, whatever somebody has told this machine: a namespace begins with the machine's setting.
    await host.run('sh', '-c', 'echo 0 >/proc/sys/net/ipv4/ip_forward');
    return host;
  }

  /** Command line that runs a program in the host; the mounts stay the machine's. */
  command(program: string, args: readonly string[] = []): [string, string[]] {
    return inNamespace(this.name, program, args);
  }

  /** Runs a program in the host to its end. */
  async run(program: string, ...args: readonly string[]): Promise<string> {
    return await run(...this.command(program, args));
  }

  /** Moves this process into the host: its sockets and its children are there until the end of the visit. */
  enter(): Disposable {
    const own = openSync('/proc/thread-self/ns/net', 'r');
    const target = openSync(`/run/netns/${this.name}`, 'r');
    moveTo(target);
    closeSync(target);
    return {
      [Symbol.dispose]: () => {
        moveTo(own);
        closeSync(own);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await tryRun('ip', ['netns', 'del', this.name]);
    await tryRun('ip', ['netns', 'del', this.outside]);
  }
}

/** Removes namespaces, played hosts' and their containers', whose test process has died. */
export async function removeAbandonedNamespaces(): Promise<void> {
  const names = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  for (const name of names) {
    const owner = /^ecs-(?:test-|[ct])(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) await tryRun('ip', ['netns', 'del', name]);
  }
}

/** Command line that runs a program in a named network namespace. */
export function inNamespace(name: string, program: string, args: readonly string[] = []): [string, string[]] {
  return ['nsenter', [`--net=/run/netns/${name}`, '--', program, ...args]];
}

/**
 * What a program with CAP_NET_ADMIN can do to its own network: from then on 127.0.0.0/8 is the neighbour's, who is
 * reached by that link.
 */
export async function leadLoopbackTo(gateway: string, device: string, namespace: string): Promise<void> {
  await run('ip', ['-n', namespace, 'addr', 'flush', 'dev', 'lo']);
  await run(...inNamespace(namespace, 'sh', ['-c', 'echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet']));
  await run('ip', ['-n', namespace, 'route', 'add', '127.0.0.0/8', 'via', gateway, 'dev', device]);
}

/** Starts `port-server.ts` in a named network namespace; it dies with this process. */
export function servePorts(namespace: string, name: string, ...ports: readonly string[]): Disposable {
  const [program, args] = inNamespace(namespace, process.execPath, [PORT_SERVER, name, ...ports]);
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], { stdio: 'ignore' });
  return { [Symbol.dispose]: () => void child.kill('SIGKILL') };
}

function moveTo(namespace: number): void {
  if (setns(namespace, CLONE_NEWNET) !== 0) throw new Error(`setns failed: errno ${koffi.errno()}`);
}

/** What a server at that address and TCP port tells by HTTP; undefined when it does not within four seconds. */
export async function fetchFrom(
  namespace: string,
  address: string,
  port: number,
): Promise<string | undefined> {
  const request = 'exec 3<>/dev/tcp/$0/$1 && printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3 && cat <&3';
  const answer = await ask(namespace, request, address, port);
  return answer?.split('\r\n\r\n')[1];
}

/** Sends a whole text to a TCP port and gives all that comes back; undefined when nothing does in time. */
export async function exchangeFrom(
  namespace: string,
  address: string,
  port: number,
  text: string,
  timeoutSec = ANSWER_SEC,
): Promise<string | undefined> {
  const script = 'exec 3<>/dev/tcp/$0/$1 && printf %s "$2" >&3 && cat <&3';
  return await ask(namespace, script, address, port, { text, timeoutSec });
}

/** What comes back for a datagram; undefined when nothing does within four seconds. */
export async function sendFrom(
  namespace: string,
  address: string,
  port: number,
  text: string,
): Promise<string | undefined> {
  const request = `exec 3<>/dev/udp/$0/$1 && printf '${text}' >&3 && dd bs=1500 count=1 status=none <&3`;
  return await ask(namespace, request, address, port);
}

async function ask(
  namespace: string,
  script: string,
  address: string,
  port: number,
  { text = '', timeoutSec = ANSWER_SEC } = {},
): Promise<string | undefined> {
  const [program, args] = inNamespace(namespace, 'timeout', [
    String(timeoutSec),
    'bash',
    '-c',
    script,
    address,
    String(port),
    text,
  ]);
  const { exitCode, stdout } = await tryRun(program, args);
  return exitCode === 0 && stdout !== '' ? stdout : undefined;
}

/** Sends datagrams from one socket in a namespace, twenty a second, and remembers the last answer. */
export class SteadyClient implements Disposable {
  readonly #child: ChildProcess;
  #sent = 0;
  last: string | undefined;

  constructor(namespace: string, address: string, port: number) {
    const script = `const s = require('dgram').createSocket('udp4');
      s.on('message', (m) => console.log('got ' + m));
      setInterval(() => { s.send('x', ${port}, '${address}'); console.log('sent'); }, 50);`;
    const [program, args] = inNamespace(namespace, process.execPath, ['-e', script]);
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.#child.stdout === null) throw new Error('the client has no output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      if (line === 'sent') this.#sent += 1;
      else this.last = line.replace(/^got /, '');
    });
  }

  /** Resolves when so many datagrams have gone. */
  async sent(count: number): Promise<void> {
    await until(() => this.#sent >= count, { what: `${count} datagrams are sent` });
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}
