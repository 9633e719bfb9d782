import type { ConnectionSettings } from '../../log-config.ts';
import { record } from '../../log-config.ts';
import type { LogCredentials } from '../credentials-broker.ts';
import { HttpClient } from '../http-client.ts';
import { signPost } from './sign-request.ts';

/** Suffixes of regions outside the usual partition. */
const SUFFIXES: readonly (readonly [prefix: string, suffix: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['eusc-', 'amazonaws.eu'],
];
const TARGET = 'Logs_20140328';
const TIMEOUT_MS = 30_000;
/** The call can never succeed with this body. */
const HOPELESS: ReadonlySet<string> = new Set([
  'InvalidParameterException',
  'SerializationException',
  'ValidationException',
]);
/** Other keys may help. */
const CREDENTIAL_CODES: ReadonlySet<string> = new Set([
  'ExpiredTokenException',
  'ExpiredToken',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'InvalidClientTokenId',
]);

/** CloudWatch Logs answered with an error; `code` is its name there. */
export class CloudWatchError extends Error {
  override readonly name = 'CloudWatchError';
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status: number) {
    super(`${code}: ${message}`);
    this.code = code;
    this.status = status;
  }

  /** The same call fails whenever it is made. */
  get isHopeless(): boolean {
    return this.status === 413 || HOPELESS.has(this.code);
  }
}

export interface CloudWatchOptions {
  readonly region: string;
  readonly endpoint?: string;
  /** Of every request, signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly userAgent: string;
  readonly connection: ConnectionSettings;
  credentials(signal: AbortSignal): Promise<LogCredentials>;
  /** They were refused. */
  onRefused(credentials: LogCredentials): void;
}

/** The few calls of CloudWatch Logs that the driver needs, signed, in AWS JSON 1.1. */
export class CloudWatchLogs {
  readonly #options: CloudWatchOptions;
  readonly #url: URL;
  readonly #http: HttpClient;

  constructor(options: CloudWatchOptions) {
    this.#options = options;
    const suffix = SUFFIXES.find(([prefix]) => options.region.startsWith(prefix))?.[1] ?? 'amazonaws.com';
    this.#url = new URL(options.endpoint ?? `https://logs.${options.region}.${suffix}`);
    this.#http = new HttpClient(this.#url, options.connection, { timeoutMs: TIMEOUT_MS });
  }

  /** The parsed answer. Rejects with CloudWatchError, or another error when there is no answer. */
  async call(operation: string, body: Buffer, signal: AbortSignal): Promise<Record<string, unknown>> {
    const credentials = await this.#options.credentials(signal);
    const headers = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${TARGET}.${operation}`,
      ...this.#options.headers,
    };
    const scope = { region: this.#options.region, service: 'logs' };
    const signed = signPost(this.#url, headers, body, credentials, scope, new Date());
    const sent = { ...signed, 'user-agent': this.#options.userAgent };
    const answer = await this.#http.send('POST', this.#url, sent, body, signal);
    const parsed = parseBody(answer.body);
    if (answer.status >= 200 && answer.status < 300) return parsed;
    const header = answer.headers['x-amzn-errortype'];
    const type = typeof header === 'string' ? header : typeof parsed.__type === 'string' ? parsed.__type : '';
    const code = type.slice(type.lastIndexOf('#') + 1).split(':')[0] || `HTTP${answer.status}`;
    const message = typeof parsed.message === 'string' ? parsed.message : answer.body.slice(0, 200);
    if (CREDENTIAL_CODES.has(code)) this.#options.onRefused(credentials);
    throw new CloudWatchError(code, message, answer.status);
  }

  close(): void {
    this.#http.close();
  }
}

function parseBody(text: string): Record<string, unknown> {
  if (text === '') return {};
  try {
    return record(JSON.parse(text), 'answer');
  } catch {
    return {};
  }
}
