/** What went wrong between the agent and a registry (or its token server). */
export interface RegistryFailure {
  readonly host: string;
  readonly repository: string;
  /** HTTP status; absent when no answer came. */
  readonly status?: number;
  /** The registry's own code (`MANIFEST_UNKNOWN`), a system code (`ECONNREFUSED`), or one of `TLS`, `NO_TLS`, `PROTOCOL`. */
  readonly code: string;
  /** One line of text in Docker's form, `manifest unknown: manifest unknown`. */
  readonly detail: string;
  /** The wait that the registry asked for. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The one error of src/image/registry. Decide on `status`, `code` and `retryable`, never on text. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly host: string;
  readonly repository: string;
  readonly status: number | undefined;
  readonly code: string;
  readonly detail: string;
  readonly retryAfterMs: number | undefined;
  /** Whether the same request may succeed later without anyone changing anything. */
  readonly retryable: boolean;

  constructor(failure: RegistryFailure) {
    const said = failure.status === undefined ? 'could not be reached' : `answered ${failure.status}`;
    super(`registry ${failure.host} ${said}: ${failure.detail}`, { cause: failure.cause });
    this.host = failure.host;
    this.repository = failure.repository;
    this.status = failure.status;
    this.code = failure.code;
    this.detail = failure.detail;
    this.retryAfterMs = failure.retryAfterMs;
    this.retryable = isRetryable(failure);
  }

  /** The server is in trouble itself, and better left alone. */
  get isUnwell(): boolean {
    return this.status === 429 || (this.status !== undefined && this.status >= 500 && this.status !== 501);
  }

  /** This failure, with those of the mirrors that were asked before. */
  after(mirrors: readonly RegistryError[]): RegistryError {
    if (mirrors.length === 0) return this;
    const before = mirrors.map(({ message }) => message.replace(/^registry /, 'mirror ')).join('; ');
    const { host, repository, status, code, retryAfterMs, cause } = this;
    return new RegistryError({
      ...{ host, repository, code, cause, detail: `${this.detail} (before that, ${before})` },
      ...(status !== undefined && { status }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }
}

function isRetryable({ status, code }: RegistryFailure): boolean {
  if (code === 'TLS' || code === 'NO_TLS' || code === 'PROTOCOL') return false;
  return status === undefined || status === 408 || status === 425 || status === 429 || status >= 500;
}

/** Whether a system error code of node:tls says that the certificate was not believed. */
export function isCertificateError(code: string): boolean {
  return /^(ERR_TLS_CERT|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/.test(
    code,
  );
}

/** What a server that ended TLS has against the client's certificate (RFC 8446 §6.2); undefined: it is not about that. */
export function certificateRefusalOf(code: string): string | undefined {
  const [, alert] = /^ERR_SSL_.*_ALERT_(.+)$/.exec(code) ?? [];
  if (alert === 'CERTIFICATE_REQUIRED') return 'the server wants a certificate of its clients';
  // Some, like the registry of Debian 12, call one that is missing bad.
  if (alert !== undefined && /CERTIFICATE|UNKNOWN_CA/.test(alert))
    return 'the server does not accept the certificate of its client, or misses one';
  return undefined;
}

const MAX_DETAIL = 1024;

/**
 * Code and text of an error answer: the first of the registry's `errors`, else the body as it is. Written as
 * Docker writes it (`denied: requested access to the resource is denied`), since users and alarms know it so.
 */
export function describeErrorBody(status: number, body: string): { code: string; detail: string } {
  const first = firstError(body);
  if (first !== undefined) {
    const name = first.code.toLowerCase().replaceAll('_', ' ');
    const detail = [name, first.message].filter((part) => part !== '').join(': ');
    return { code: first.code, detail: oneLine(detail) };
  }
  return { code: `HTTP_${status}`, detail: oneLine(body) || 'no explanation given' };
}

function firstError(body: string): { code: string; message: string } | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null) return undefined;
  if ('errors' in json && Array.isArray(json.errors)) {
    const entry: unknown = json.errors[0];
    if (typeof entry !== 'object' || entry === null) return undefined;
    return {
      code: 'code' in entry ? String(entry.code) : 'UNKNOWN',
      message: 'message' in entry ? String(entry.message) : '',
    };
  }
  // Token servers answer in their own ways: {"details": …}, {"error": …, "error_description": …}, {"message": …}.
  const text = (['error_description', 'details', 'message', 'error'] as const)
    .map((key) => (key in json ? (json as Record<string, unknown>)[key] : undefined))
    .find((value) => typeof value === 'string');
  return text === undefined ? undefined : { code: 'DENIED', message: String(text) };
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a registry's text goes into logs and reasons
  const clean = text.replace(/[\u0000-\u001f\u007f\s]+/g, ' ').trim();
  return clean.length > MAX_DETAIL ? `${clean.slice(0, MAX_DETAIL)}…` : clean;
}
