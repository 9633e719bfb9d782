import type { ClientDuplexStream } from '@grpc/grpc-js';
import { containerdErrorOf } from './containerd-error.ts';

/**
 * A call with a stream each way. `send` waits while the other side does not keep up; answers are held back
 * by flow control until `receive` takes them, so take them. End it with `end` or `cancel`.
 */
export class DuplexCall<Request, Answer> implements Disposable {
  readonly #call: ClientDuplexStream<Request, Answer>;
  readonly #path: string;
  readonly #signal: AbortSignal;
  readonly #answers: AsyncIterator<Answer>;
  readonly #onAbort = (): void => this.#call.cancel();
  /** Rejects when the call ends badly, so that a `send` that waits for room does not wait for ever. */
  readonly #failed = Promise.withResolvers<never>();

  constructor(call: ClientDuplexStream<Request, Answer>, path: string, signal: AbortSignal) {
    this.#call = call;
    this.#path = path;
    this.#signal = signal;
    this.#failed.promise.catch(() => undefined);
    call.on('error', (error) => this.#failed.reject(error));
    call.once('close', () => {
      signal.removeEventListener('abort', this.#onAbort);
      this.#failed.reject(new Error('the stream is closed'));
    });
    signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#answers = call[Symbol.asyncIterator]();
  }

  /** Resolves when there is room for the next message. */
  async send(request: Request): Promise<void> {
    try {
      if (this.#call.write(request)) return;
      const drained = Promise.withResolvers<void>();
      this.#call.once('drain', drained.resolve);
      await Promise.race([drained.promise, this.#failed.promise]);
    } catch (error) {
      throw this.#reasonOf(error);
    }
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
    this.#call.end();
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

  /** Ends the call at once; harmless when it has ended. */
  cancel(): void {
    this.#call.cancel();
  }

  [Symbol.dispose](): void {
    this.cancel();
  }

  #reasonOf(error: unknown): unknown {
    return this.#signal.aborted ? this.#signal.reason : containerdErrorOf(error, this.#path);
  }
}
