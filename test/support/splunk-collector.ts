import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

interface Post {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly objects: readonly {
    readonly event: unknown;
    readonly time: string;
    readonly [key: string]: unknown;
  }[];
}

/** Splunk's HTTP event collector on loopback. */
export class SplunkCollector implements AsyncDisposable {
  readonly posts: Post[] = [];
  readonly methods: string[] = [];
  /** Statuses of the answers to come; then 200. */
  readonly statuses: number[] = [];
  readonly #server: Server;

  static async start(): Promise<SplunkCollector> {
    const collector = new SplunkCollector();
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    return collector;
  }

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      this.methods.push(request.method ?? '');
      const status = this.statuses.shift() ?? 200;
      if (request.method === 'POST' && status === 200) {
        const raw = Buffer.concat(chunks);
        const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString();
        const objects = JSON.parse(`[${body.replaceAll('}{"time"', '},{"time"')}]`) as Post['objects'];
        this.posts.push({ url: request.url ?? '', headers: request.headers, objects });
      }
      response.writeHead(status);
      response.end(status === 200 ? '{"text":"Success","code":0}' : 'not now');
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get objects(): Post['objects'] {
    return this.posts.flatMap(({ objects }) => objects);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
