import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { sleep } from '../../async/deadline.ts';
import { KeyedLock } from '../../async/keyed-lock.ts';
import { TaskError } from '../../task/errors.ts';
import type { PortMapping, PortProtocol } from '../../task/port-mapping.ts';
import { portOwner } from './port-owner.ts';

/** A mapping with the host port that was chosen for it. */
export interface HostPortBinding {
  readonly protocol: PortProtocol;
  readonly containerPort: number;
  readonly hostPort: number;
  readonly rangeLength?: number;
}

export interface HostPortsOptions {
  /** First and last port that may be chosen. */
  readonly range: { readonly first: number; readonly last: number };
  /** How long a given port that is taken is waited for: its last user may be on its way out. Default 5 s. */
  readonly staticWaitMs?: number;
}

const STATIC_WAIT_MS = 5_000;
const STATIC_RETRY_MS = 100;
/** All choices follow one another. */
const LOCK = 'choice';

/**
 * Chooses host ports and reserves them: a port is taken by binding it, and the socket is kept until the release,
 * so that neither another program nor the kernel's own choice for an outgoing connection can come between
 * (task-engine.md §10, NET-14). Nothing is served on the sockets: address translation comes before them.
 */
export class HostPorts {
  readonly #range: HostPortsOptions['range'];
  readonly #staticWaitMs: number;
  readonly #lock = new KeyedLock();
  readonly #held = new Map<string, Hold>();
  /** The port that was assigned last, tcp or udp; one before the range at first (OBS-90). */
  #last: number;

  constructor({ range, staticWaitMs = STATIC_WAIT_MS }: HostPortsOptions) {
    this.#range = range;
    this.#staticWaitMs = staticWaitMs;
    this.#last = range.first - 1;
  }

  /**
   * Reserves a host port for every mapping, or none at all. `owner` names the container to whoever wants the
   * same port. Rejects with the errors of task-engine.md §10, or with who has a given port.
   */
  async reserve(
    owner: string,
    mappings: readonly PortMapping[],
    { signal }: { signal: AbortSignal },
  ): Promise<readonly HostPortBinding[]> {
    const taken: PortKey[] = [];
    try {
      const bindings: HostPortBinding[] = [];
      for (const mapping of mappings) {
        const length = mapping.rangeLength ?? 1;
        const hostPort =
          mapping.hostPort === 0
            ? await this.#choose(owner, mapping.protocol, length, taken)
            : await this.#take(owner, mapping.protocol, mapping.hostPort, taken, signal);
        bindings.push({ ...mapping, hostPort });
      }
      return bindings;
    } catch (error) {
      this.#letGo(owner, taken);
      throw error;
    }
  }

  /** Takes ports again that were reserved before a restart; gives those that somebody else has by now. */
  async hold(owner: string, bindings: readonly HostPortBinding[]): Promise<readonly PortKey[]> {
    const lost: PortKey[] = [];
    for (const key of bindings.flatMap(keysOf)) if (!(await this.#tryTake(owner, key))) lost.push(key);
    return lost;
  }

  /** Lets go of everything that was reserved for that owner. */
  release(owner: string): void {
    for (const [name, hold] of this.#held)
      if (hold.owner === owner) {
        this.#held.delete(name);
        hold.close();
      }
  }

  /** Lets go of all sockets, as the end of the process does. */
  close(): void {
    for (const hold of this.#held.values()) hold.close();
    this.#held.clear();
  }

  async #choose(owner: string, protocol: PortProtocol, length: number, taken: PortKey[]): Promise<number> {
    return await this.#lock.run(LOCK, async () => {
      const { first, last } = this.#range;
      const found =
        (await this.#search(owner, protocol, length, this.#last + 1, last)) ??
        (await this.#search(owner, protocol, length, first, Math.min(this.#last + length - 1, last)));
      if (found === undefined) throw unavailable(length);
      const end = found + length - 1;
      this.#last = end >= last ? first - 1 : end;
      taken.push(...keysOf({ protocol, hostPort: found, rangeLength: length }));
      return found;
    });
  }

  /** The first `length` ports in a row that are free, reserved. */
  async #search(
    owner: string,
    protocol: PortProtocol,
    length: number,
    from: number,
    to: number,
  ): Promise<number | undefined> {
    let start = from;
    for (let port = from; port <= to; port += 1) {
      if (!(await this.#tryTake(owner, { protocol, port }))) {
        this.#letGo(owner, portsBetween(protocol, start, port - 1));
        start = port + 1;
      } else if (port - start + 1 === length) return start;
    }
    this.#letGo(owner, portsBetween(protocol, start, to));
    return undefined;
  }

  async #take(
    owner: string,
    protocol: PortProtocol,
    port: number,
    taken: PortKey[],
    signal: AbortSignal,
  ): Promise<number> {
    const key = { protocol, port };
    const giveUpAt = performance.now() + this.#staticWaitMs;
    while (!(await this.#tryTake(owner, key))) {
      if (performance.now() >= giveUpAt) throw await this.#conflict(key);
      await sleep(STATIC_RETRY_MS, signal);
    }
    taken.push(key);
    return port;
  }

  /** The words before the semicolon are Docker's, which users look for. */
  async #conflict(key: PortKey): Promise<TaskError> {
    const { protocol, port } = key;
    const hold = this.#held.get(nameOf(key));
    const owner = hold?.owner ?? (await portOwner(protocol, port)) ?? 'a program that cannot be told';
    return new TaskError(
      'CannotStartContainerError',
      `Bind for 0.0.0.0:${port} failed: port is already allocated; ${protocol} port ${port} of the host is ` +
        `used by ${owner}; stop it, or choose another hostPort or none`,
    );
  }

  async #tryTake(owner: string, key: PortKey): Promise<boolean> {
    const name = nameOf(key);
    if (this.#held.has(name)) return false;
    const close = await bindPort(key);
    if (close === undefined) return false;
    this.#held.set(name, { owner, close });
    return true;
  }

  #letGo(owner: string, keys: readonly PortKey[]): void {
    for (const key of keys) {
      const hold = this.#held.get(nameOf(key));
      if (hold?.owner !== owner) continue;
      this.#held.delete(nameOf(key));
      hold.close();
    }
  }
}

export interface PortKey {
  readonly protocol: PortProtocol;
  readonly port: number;
}

interface Hold {
  readonly owner: string;
  close(): void;
}

function nameOf({ protocol, port }: PortKey): string {
  return `${protocol} ${port}`;
}

function keysOf(binding: Omit<HostPortBinding, 'containerPort'>): readonly PortKey[] {
  const { protocol, hostPort, rangeLength = 1 } = binding;
  return portsBetween(protocol, hostPort, hostPort + rangeLength - 1);
}

function portsBetween(protocol: PortProtocol, first: number, last: number): readonly PortKey[] {
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, index) => ({
    protocol,
    port: first + index,
  }));
}

function unavailable(length: number): TaskError {
  const text =
    length === 1 ? 'a host port is unavailable' : `${length} contiguous host ports are unavailable`;
  return new TaskError('HostConfigError', `error retrieving docker port map: ${text}`);
}

/** Takes the port of all addresses; undefined when somebody has it. The socket does not keep the process alive. */
async function bindPort(key: PortKey): Promise<(() => void) | undefined> {
  const bind = key.protocol === 'tcp' ? bindTcp : bindUdp;
  try {
    return await bind('::', key.port);
  } catch (error) {
    // A host without IPv6 has no such address.
    if (!hasCode(error, 'EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL')) return unlessTaken(error);
  }
  try {
    return await bind('0.0.0.0', key.port);
  } catch (error) {
    return unlessTaken(error);
  }
}

function unlessTaken(error: unknown): undefined {
  if (hasCode(error, 'EADDRINUSE')) return undefined;
  throw error;
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code);
}

async function bindTcp(host: string, port: number): Promise<() => void> {
  const server = createServer((connection) => connection.resetAndDestroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host, port, backlog: 1, exclusive: true }, resolve);
  server.unref();
  await promise;
  return () => server.close();
}

async function bindUdp(address: string, port: number): Promise<() => void> {
  const socket = createSocket(address === '::' ? 'udp6' : 'udp4');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('error', reject);
  socket.bind({ address, port, exclusive: true }, resolve);
  socket.unref();
  try {
    await promise;
  } catch (error) {
    socket.close();
    throw error;
  }
  return () => socket.close();
}
