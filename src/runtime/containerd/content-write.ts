import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import type { AnswerOf, Method, RequestOf } from './api.ts';
import { ContainerdError, codeName } from './containerd-error.ts';

type Request = RequestOf<'content', 'Write'>;
type Answer = AnswerOf<'content', 'Write'>;

export interface ContentWriteOptions {
  /** Path of containerd's socket. */
  readonly address: string;
  readonly method: Method<Request, Answer>;
  /** gRPC metadata: namespace and lease. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Ends the call at once. */
  readonly signal: AbortSignal;
}

/** Length of what goes before each message: a byte for compression, four for the message's length. */
const PREFIX_BYTES = 5;
/** Tag of WriteRequest's field `data`: number 6, with a length (containerd.md §19). */
const DATA_TAG = (6 << 3) | 2;

/**
 * One Content.Write call (containerd.md §5), on a connection of its own. gRPC is spoken here and not by grpc-js, which
 * copies each byte twice, and into memory that only the collector frees: from here bytes go to the socket from where
 * they are. They must not change before they are answered. Answers are held back by flow control until `receive`
 * takes them, so take them. Rejects with a `ContainerdError`, or the signal's reason.
 */
export class ContentWrite implements Disposable {
  readonly #method: Method<Request, Answer>;
  readonly #signal: AbortSignal;
  readonly #socket: Socket;
  readonly #stream: ClientHttp2Stream;
  readonly #answers: AsyncIterator<Answer>;
  /** Why the call ended; undefined is success. */
  readonly #outcome = Promise.withResolvers<ContainerdError | undefined>();

  constructor({ address, metadata, method, signal }: ContentWriteOptions) {
    signal.throwIfAborted();
    this.#method = method;
    this.#signal = signal;
    this.#socket = connect({ path: address });
    const session = connectHttp2('http://localhost', { createConnection: () => this.#socket });
    this.#stream = session.request({
      ':method': 'POST',
      ':authority': 'localhost',
      ':path': method.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...metadata,
    });
    this.#watch(session);
    const onAbort = () => this.cancel();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#socket.once('close', () => signal.removeEventListener('abort', onAbort));
    this.#answers = this.#read();
  }

  /** Sends a message without data. Resolves when there is room for the next. */
  async send(request: Request): Promise<void> {
    const message = this.#method.requestSerialize(request);
    await this.#transmit([prefix(message.length), message]);
  }

  /** Sends bytes, in one message. Resolves when there is room for the next. */
  async write(offset: number, pieces: readonly Buffer[]): Promise<void> {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const request = this.#method.requestSerialize({ action: 'WRITE', offset });
    const head = Buffer.concat([request, Buffer.from([DATA_TAG, ...varint(length)])]);
    await this.#transmit([prefix(head.length + length), head, ...pieces]);
  }

  /** The next answer; undefined when the other side has ended the call. */
  async receive(): Promise<Answer | undefined> {
    try {
      const next = await this.#answers.next();
      return next.done === true ? undefined : next.value;
    } catch (error) {
      throw this.#reasonOf(error);
    }
  }

  /** Says that no more requests come. */
  end(): void {
    this.#stream.end();
  }

  /** Says that no more requests come, and waits until the other side has let go of what the call held. */
  async finish(): Promise<void> {
    this.end();
    try {
      while ((await this.#answers.next()).done !== true);
    } catch {
      // It has ended, badly or by the signal.
    }
  }

  /** Ends the call at once; harmless when it has ended. No byte is sent after that. */
  cancel(): void {
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.cancel();
  }

  async #transmit(parts: readonly Buffer[]): Promise<void> {
    this.#stream.cork();
    for (const part of parts) this.#stream.write(part);
    this.#stream.uncork();
    if (!this.#stream.writableNeedDrain) return;
    const drained = Promise.withResolvers<void>();
    this.#stream.once('drain', drained.resolve);
    const ended = this.#outcome.promise.then((error) => {
      throw this.#reasonOf(error ?? this.#dropped('the stream is closed'));
    });
    await Promise.race([drained.promise, ended]);
  }

  #watch(session: ClientHttp2Session): void {
    const { promise, resolve } = this.#outcome;
    const settle = (headers: Readonly<Record<string, unknown>>) => {
      const status = headers['grpc-status'];
      if (status !== undefined) resolve(this.#failureOf(Number(status), headers['grpc-message']));
    };
    const onError = (error: Error) => resolve(this.#dropped(error.message));
    session.on('error', onError);
    this.#stream
      .on('error', onError)
      // An answer that is none but a status has it here.
      .on('response', settle)
      .on('trailers', settle)
      .once('close', () => {
        resolve(this.#dropped(`the stream ended without a status (code ${this.#stream.rstCode})`));
        session.destroy();
      });
    void promise.then(() => this.end());
  }

  async *#read(): AsyncGenerator<Answer, void, void> {
    let bytes: Buffer = Buffer.alloc(0);
    try {
      for await (const arrived of this.#stream) {
        bytes = Buffer.concat([bytes, arrived]);
        for (let end = messageEnd(bytes); end <= bytes.length; end = messageEnd(bytes)) {
          yield this.#method.responseDeserialize(bytes.subarray(PREFIX_BYTES, end));
          bytes = bytes.subarray(end);
        }
      }
    } catch (error) {
      throw (await this.#outcome.promise) ?? error;
    }
    const failure = await this.#outcome.promise;
    if (failure !== undefined) throw failure;
  }

  #failureOf(status: number, message: unknown): ContainerdError | undefined {
    if (status === 0) return undefined;
    const details = typeof message === 'string' ? decoded(message) : '';
    return new ContainerdError(codeName(status), this.#method.path, details);
  }

  #dropped(details: string): ContainerdError {
    return new ContainerdError('UNAVAILABLE', this.#method.path, details);
  }

  #reasonOf(error: unknown): unknown {
    return this.#signal.aborted ? this.#signal.reason : error;
  }
}

function prefix(length: number): Buffer {
  const bytes = Buffer.alloc(PREFIX_BYTES);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** Where the first message ends; infinite while its length is not known. */
function messageEnd(bytes: Buffer): number {
  return bytes.length < PREFIX_BYTES ? Number.POSITIVE_INFINITY : PREFIX_BYTES + bytes.readUInt32BE(1);
}

/** A length as protobuf writes it: seven bits a byte, the lowest first. */
function varint(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** gRPC percent-encodes what is no printable ASCII; what does not decode stays as it is. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
