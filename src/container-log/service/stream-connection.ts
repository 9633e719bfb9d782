import { connect, type Socket } from 'node:net';
import { sleep, withDeadline } from '../../async/deadline.ts';

export type StreamAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | {
      readonly kind: 'tls';
      readonly host: string;
      readonly port: number;
      readonly ca?: string;
      readonly cert?: string;
      readonly key?: string;
      readonly rejectUnauthorized?: boolean;
    };

export interface StreamOptions {
  readonly connectTimeoutMs: number;
  /** A write that the kernel does not take within this fails. */
  readonly writeTimeoutMs: number;
  /** Called with what the server sends. */
  readonly onData?: (data: Buffer) => void;
}

/** One connection at a time to a server that takes a stream of bytes; made anew after it has failed. */
export class StreamConnection {
  readonly #address: StreamAddress;
  readonly #options: StreamOptions;
  #socket: Socket | undefined;
  #openedAt = 0;

  constructor(address: StreamAddress, options: StreamOptions) {
    this.#address = address;
    this.#options = options;
  }

  /** Since when the connection stands, by performance.now(); undefined: there is none. */
  get openSince(): number | undefined {
    return this.#socket?.destroyed === false ? this.#openedAt : undefined;
  }

  /** Connects unless it is connected. */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#socket?.destroyed === false && this.#socket.writable) return;
    this.#socket?.destroy();
    const { connectTimeoutMs } = this.#options;
    const what = `connecting to ${describeAddress(this.#address)}`;
    this.#socket = await withDeadline(what, connectTimeoutMs, signal, (inner) => this.#connect(inner));
    this.#openedAt = performance.now();
  }

  /** Resolves when the kernel has all of it: the death of this process does not take it back. */
  async write(bytes: Buffer, signal: AbortSignal): Promise<void> {
    await this.ready(signal);
    const socket = this.#socket;
    if (socket === undefined) throw new Error('not connected');
    const what = `writing to ${describeAddress(this.#address)}`;
    try {
      await withDeadline(what, this.#options.writeTimeoutMs, signal, async () => {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        socket.once('error', reject);
        const onClose = () => reject(new Error(`${describeAddress(this.#address)} closed the connection`));
        socket.once('close', onClose);
        socket.write(bytes, (error) => (error ? reject(error) : resolve()));
        try {
          await promise;
          // A server that has gone tells by a reset, which the loop has yet to see.
          await sleep(0);
          if (socket.destroyed || socket.readableEnded) onClose();
          await promise;
        } finally {
          socket.off('error', reject);
          socket.off('close', onClose);
        }
      });
    } catch (error) {
      this.drop();
      throw error;
    }
  }

  /** Ends the connection; the next write makes another. */
  drop(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /** Lets the kernel send what it has, then closes. */
  close(): void {
    this.#socket?.end();
    this.#socket?.unref();
    this.#socket = undefined;
  }

  async #connect(signal: AbortSignal): Promise<Socket> {
    const socket = await this.#open();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once(this.#address.kind === 'tls' ? 'secureConnect' : 'connect', resolve);
    socket.once('error', reject);
    const onAbort = () => socket.destroy(new Error('given up'));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`cannot connect to ${describeAddress(this.#address)}: ${why}`, { cause: error });
    } finally {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', reject);
    }
    // Told by the next write; without a listener it would end the process.
    socket.on('error', () => {});
    if (this.#options.onData !== undefined) socket.on('data', this.#options.onData);
    else socket.resume();
    socket.on('end', () => socket.destroy());
    return socket;
  }

  async #open(): Promise<Socket> {
    const address = this.#address;
    switch (address.kind) {
      case 'tcp':
        return connect({ host: address.host, port: address.port, keepAlive: true, noDelay: true });
      case 'unix':
        return connect(address.path);
      case 'tls': {
        const { connect: connectTls } = await import('node:tls');
        const { kind: _, ...options } = address;
        return connectTls({ ...options, servername: isIpAddress(address.host) ? '' : address.host });
      }
    }
  }
}

export function describeAddress(address: StreamAddress): string {
  return address.kind === 'unix'
    ? `unix://${address.path}`
    : `${address.kind}://${address.host}:${address.port}`;
}

function isIpAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(':');
}
