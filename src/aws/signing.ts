import type { SignatureV4 } from '@smithy/signature-v4';
import type { CredentialsProvider } from './credentials.ts';

/** What is signed and for whom. */
export interface SignerOptions {
  readonly credentials: CredentialsProvider;
  readonly region: string;
  /** Signing name of the service, `ecs` for the API, ACS and TCS alike. */
  readonly service: string;
  readonly now?: () => number;
}

export interface UnsignedRequest {
  readonly method: string;
  readonly url: URL;
  /** Only headers that are to be signed, names in lower case; `host` is added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Signs with AWS Signature Version 4, with the credentials and the time of each call. The signing code is loaded
 * at the first use. Every method rejects with `NoCredentialsError` when there are no credentials.
 */
export class RequestSigner {
  readonly #options: SignerOptions;

  constructor(options: SignerOptions) {
    this.#options = options;
  }

  /** The request's headers with `host`, `x-amz-date`, `x-amz-security-token` and `authorization` added. */
  async signRequest(
    request: UnsignedRequest,
    options: { signal?: AbortSignal } = {},
  ): Promise<Readonly<Record<string, string>>> {
    const signer = await this.#signer(options.signal);
    const { url } = request;
    const signed = await signer.sign(
      {
        method: request.method,
        protocol: url.protocol,
        hostname: url.hostname,
        ...(url.port !== '' && { port: Number(url.port) }),
        path: url.pathname,
        query: queryOf(url),
        headers: { ...request.headers, host: url.host },
        body: request.body,
      },
      { signingDate: new Date(this.#options.now?.() ?? Date.now()) },
    );
    return signed.headers;
  }

  /**
   * Headers for the upgrade of a websocket: empty body, only `host;x-amz-date[;x-amz-security-token]` signed, so
   * that the websocket library may add its own (acs.md §3, ACS-09). `host` is left to that library.
   */
  async signUpgrade(
    url: URL,
    options: { signal?: AbortSignal } = {},
  ): Promise<Readonly<Record<string, string>>> {
    const { host: _, ...headers } = await this.signRequest(
      { method: 'GET', url: asHttp(url), headers: {}, body: '' },
      options,
    );
    return headers;
  }

  /**
   * A TCS frame: header block, empty line, then the JSON text, signed over the query of the session's URL and the
   * JSON (tcs.md §2). The path signed is that of the session, `/ws` at ECS.
   */
  async signTcsFrame(url: URL, json: string, options: { signal?: AbortSignal } = {}): Promise<string> {
    const headers = await this.signRequest(
      { method: 'GET', url: asHttp(url), headers: {}, body: json },
      options,
    );
    const lines = [
      ['Authorization', headers.authorization],
      ['Host', headers.host],
      ['X-Amz-Date', headers['x-amz-date']],
      ['X-Amz-Security-Token', headers['x-amz-security-token']],
    ].filter(([, value]) => value !== undefined);
    return `${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${json}`;
  }

  async #signer(signal: AbortSignal | undefined): Promise<SignatureV4> {
    const [{ SignatureV4: Signer }, { Sha256 }, credentials] = await Promise.all([
      import('@smithy/signature-v4'),
      import('@aws-crypto/sha256-js'),
      this.#options.credentials.get(signal === undefined ? {} : { signal }),
    ]);
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    return new Signer({
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
      region: this.#options.region,
      service: this.#options.service,
      sha256: Sha256,
      applyChecksum: false,
    });
  }
}

function queryOf(url: URL): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  for (const name of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(name);
    query[name] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return query;
}

/** The same place as http(s), which is what the signature is made for; its port stays as written. */
function asHttp(url: URL): URL {
  const http = new URL(url);
  if (http.protocol === 'wss:') http.protocol = 'https:';
  if (http.protocol === 'ws:') http.protocol = 'http:';
  return http;
}
