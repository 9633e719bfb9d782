import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as a test server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What the server does with the n-th request (from 1). */
export type Answer = (request: SeenRequest, count: number, response: ServerResponse) => void | Promise<void>;

/** An HTTP server on loopback that answers as told and remembers what it was asked. */
export class AnsweringServer implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  readonly #server;

  private constructor(answer: Answer) {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const seen = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      this.seen.push(seen);
      await answer(seen, this.seen.length, response);
    });
  }

  static async start(answer: Answer): Promise<AnsweringServer> {
    const server = new AnsweringServer(answer);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.#server.listen(0, '127.0.0.1', resolve);
    await promise;
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }
}

/** An answer by path; anything else is 404. */
export function byPath(texts: Readonly<Record<string, string>>): Answer {
  return ({ path }, _count, response) => {
    const text = texts[path];
    response.writeHead(text === undefined ? 404 : 200).end(text);
  };
}
