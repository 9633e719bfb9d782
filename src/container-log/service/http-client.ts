import { readdirSync, readFileSync } from 'node:fs';
import { type Agent, Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { ConnectionSettings } from '../log-config.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface TlsChoice {
  readonly ca?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

const IDLE_MS = 60_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Requests to one server, over one kept connection, through the host's proxies. */
export class HttpClient {
  readonly #timeoutMs: number;
  readonly #agent: Promise<Agent>;

  /** `timeoutMs` bounds a request with its whole answer. */
  constructor(url: URL, settings: ConnectionSettings, options: { timeoutMs: number; tls?: TlsChoice }) {
    this.#timeoutMs = options.timeoutMs;
    this.#agent = openAgent(url, settings, options.tls);
    // Told by the first request.
    this.#agent.catch(() => {});
  }

  /** The answer, whatever its status. Rejects when there is none in time. */
  async send(
    method: string,
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const agent = await this.#agent;
    const send = url.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const request = send(url, {
      method,
      headers: { ...headers, 'content-length': String(body.length) },
      agent,
    });
    const stop = (why: Error) => request.destroy(why);
    const timer = setTimeout(
      () => stop(new Error(`no answer within ${this.#timeoutMs} ms`)),
      this.#timeoutMs,
    );
    const onAbort = () => stop(new Error('given up'));
    signal.addEventListener('abort', onAbort, { once: true });
    request.on('error', (error) => reject(new Error(`${url.origin}: ${error.message}`, { cause: error })));
    request.on('response', (response) => {
      const { statusCode = 0 } = response;
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
        if (text.length > MAX_ANSWER_BYTES) stop(new Error('the answer is too large'));
      });
      response.on('end', () => resolve({ status: statusCode, headers: response.headers, body: text }));
      response.on('error', (error) => reject(new Error(`${url.origin}: ${error.message}`, { cause: error })));
    });
    request.end(body);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  close(): void {
    void this.#agent.then((agent) => agent.destroy()).catch(() => {});
  }
}

async function openAgent(url: URL, settings: ConnectionSettings, tls: TlsChoice = {}): Promise<Agent> {
  const common = {
    keepAlive: true,
    maxSockets: 1,
    timeout: IDLE_MS,
    proxyEnv: { ...settings.proxyEnvironment },
  };
  if (url.protocol !== 'https:') return new HttpAgent(common);
  const { Agent: HttpsAgent } = await import('node:https');
  const ca = tls.ca ?? certificatesOf(settings);
  const rejectUnauthorized = tls.rejectUnauthorized ?? settings.acceptInsecureCertificates !== true;
  return new HttpsAgent({
    ...common,
    rejectUnauthorized,
    ...(ca !== undefined && { ca }),
    ...(tls.servername !== undefined && { servername: tls.servername }),
  });
}

/** Authorities of SSL_CERT_FILE and SSL_CERT_DIR in place of Node's, as everywhere in the agent. */
function certificatesOf({
  certificateFile = '',
  certificateDirectory = '',
}: ConnectionSettings): string | undefined {
  if (certificateFile === '' && certificateDirectory === '') return undefined;
  const inDirectory =
    certificateDirectory === ''
      ? []
      : readdirSync(certificateDirectory).map((name) => `${certificateDirectory}/${name}`);
  const found = [...(certificateFile === '' ? [] : [certificateFile]), ...inDirectory].flatMap((path) => {
    try {
      return [readFileSync(path, 'utf8')];
    } catch {
      return [];
    }
  });
  if (found.length === 0) throw new Error(`no certificates in ${certificateFile} ${certificateDirectory}`);
  return found.join('\n');
}
