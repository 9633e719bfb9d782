import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** Sends datagrams to one address. What the network loses is lost: the protocol has no answer. */
export class UdpSender {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  /** Looks the name up. Rejects when there is no such host. */
  async ready(): Promise<void> {
    await this.#connected();
  }

  /** Resolves when the kernel has it. */
  async send(datagram: Buffer): Promise<void> {
    const socket = await this.#connected();
    await new Promise<void>((resolve, reject) => {
      socket.send(datagram, (error) => {
        // Nobody listens: the datagram before this one told; this one is sent all the same.
        if (error !== null && !('code' in error && error.code === 'ECONNREFUSED')) reject(error);
        else resolve();
      });
    });
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== undefined) return this.#socket;
    const socket = createSocket(isIPv6(this.#host) ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.connect(this.#port, this.#host, () => resolve());
      });
    } catch (error) {
      socket.close();
      throw error;
    }
    socket.removeAllListeners('error');
    socket.on('error', () => {});
    this.#socket = socket;
    return socket;
  }
}
