import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';

/** One message of the Forward protocol as it came. */
export interface ForwardMessage {
  readonly tag: string;
  /** Seconds; with nanoseconds where the client sends them. */
  readonly time: number | { readonly seconds: number; readonly nanoseconds: number };
  readonly record: Readonly<Record<string, Buffer>>;
  readonly option: Readonly<Record<string, unknown>>;
  /** Members of the outer array. */
  readonly members: number;
}

/** Server of the Forward protocol v1 on its wire format: Message mode, acknowledgements. */
export class ForwardServer implements AsyncDisposable {
  readonly messages: ForwardMessage[] = [];
  /** What is answered to a chunk; undefined: nothing. */
  acknowledge: (chunk: string) => string | undefined = (chunk) => chunk;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isStalled = false;

  /** `where`: a port of loopback, 0 for a free one, or the path of a unix socket. */
  static async start(where: number | string = 0): Promise<ForwardServer> {
    const server = new ForwardServer();
    if (typeof where === 'string') server.#server.listen(where);
    else server.#server.listen(where, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get texts(): string[] {
    return this.messages.map(({ record }) => String(record.log));
  }

  /** Takes nothing any more, or takes it again. */
  stall(isStalled: boolean): void {
    this.#isStalled = isStalled;
    for (const socket of this.#sockets) isStalled ? socket.pause() : socket.resume();
  }

  disconnectAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disconnectAll();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let rest: Buffer = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    if (this.#isStalled) socket.pause();
    socket.on('data', (data: Buffer) => {
      const reader = new MessagePackReader(Buffer.concat([rest, data]));
      const acks: Buffer[] = [];
      let at = 0;
      try {
        while (reader.at < reader.bytes.length) {
          acks.push(this.#take(reader.value() as unknown[]));
          at = reader.at;
        }
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      rest = reader.bytes.subarray(at);
      if (acks.length === 0) return;
      // One by one they would wait for the client's delayed acknowledgement of TCP.
      socket.write(Buffer.concat(acks));
    });
  }

  /** Keeps a message; gives the answer to it, which may be empty. */
  #take(message: unknown[]): Buffer {
    const [tag, time, record, option] = message;
    const options = (option ?? {}) as Record<string, unknown>;
    this.messages.push({
      tag: String(tag),
      time: time as ForwardMessage['time'],
      record: record as ForwardMessage['record'],
      option: options,
      members: message.length,
    });
    const answer = options.chunk === undefined ? undefined : this.acknowledge(String(options.chunk));
    if (answer === undefined) return Buffer.alloc(0);
    const text = Buffer.from(answer);
    return Buffer.concat([
      Buffer.from([0x81, 0xa3]),
      Buffer.from('ack'),
      Buffer.from([0xd9, text.length]),
      text,
    ]);
  }
}

/** The parts of msgpack that loggers send; strings come as bytes. Throws RangeError at the end of what is there. */
class MessagePackReader {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  value(): unknown {
    const kind = this.#number(1);
    if (kind < 0x80) return kind;
    if ((kind & 0xf0) === 0x80) return this.#map(kind & 15);
    if ((kind & 0xf0) === 0x90) return Array.from({ length: kind & 15 }, () => this.value());
    if ((kind & 0xe0) === 0xa0) return this.#take(kind & 31);
    switch (kind) {
      case 0xce:
        return this.#number(4);
      case 0xd7:
        this.#number(1);
        return { seconds: this.#number(4), nanoseconds: this.#number(4) };
      case 0xd9:
        return this.#take(this.#number(1));
      case 0xda:
        return this.#take(this.#number(2));
      case 0xdb:
        return this.#take(this.#number(4));
      case 0xde:
        return this.#map(this.#number(2));
      default:
        throw new Error(`msgpack kind 0x${kind.toString(16)}`);
    }
  }

  #map(size: number): Record<string, unknown> {
    return Object.fromEntries(Array.from({ length: size }, () => [String(this.value()), this.value()]));
  }

  #number(size: number): number {
    return this.#take(size).readUIntBE(0, size);
  }

  #take(size: number): Buffer {
    if (this.at + size > this.bytes.length) throw new RangeError('more is to come');
    this.at += size;
    return Buffer.from(this.bytes.subarray(this.at - size, this.at));
  }
}
