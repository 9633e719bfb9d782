import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { ApiError } from '../api-error.ts';

/** What was signed: a request, or a TCS frame (which counts as a GET of its session's URL, tcs.md §2). */
export interface SignedRequest {
  readonly method: string;
  /** As sent, still percent-encoded. */
  readonly path: string;
  /** As sent, without the question mark. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string | Uint8Array;
}

/** A key that may sign; temporary ones have a token and an end. */
export interface SigningKey {
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** ms since the epoch. */
  readonly expiresAt?: number;
}

export interface SignatureRules {
  readonly region: string;
  readonly service: string;
  readonly nowMs: number;
  keyOf(accessKeyId: string): SigningKey | undefined;
}

const MAX_SKEW_MS = 5 * 60_000;
const ALGORITHM = 'AWS4-HMAC-SHA256';

/** Checks a Signature Version 4 and returns the access key id; throws an ApiError in AWS's words. */
export function verifySignature(request: SignedRequest, rules: SignatureRules): string {
  const authorization = header(request, 'authorization');
  if (authorization === undefined) {
    throw new ApiError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
  }
  const { credential, signedHeaders, signature } = parseAuthorization(authorization);
  const date = header(request, 'x-amz-date');
  if (date === undefined || !/^\d{8}T\d{6}Z$/.test(date)) {
    throw incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  }
  checkScope(credential, date, rules);
  checkSkew(date, rules.nowMs);
  if (!signedHeaders.includes('host')) {
    throw invalid("'Host' must be a 'SignedHeader' in the AWS Authorization.");
  }

  const key = rules.keyOf(credential.accessKeyId);
  const token = header(request, 'x-amz-security-token');
  if (key === undefined || (key.sessionToken !== undefined && key.sessionToken !== token)) {
    throw new ApiError(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
      403,
    );
  }
  if (key.expiresAt !== undefined && key.expiresAt <= rules.nowMs) {
    throw new ApiError('ExpiredTokenException', 'The security token included in the request is expired', 403);
  }

  const canonical = canonicalRequest(request, signedHeaders);
  const scope = [credential.date, credential.region, credential.service, 'aws4_request'].join('/');
  const toSign = [ALGORITHM, date, scope, sha256(canonical)].join('\n');
  const expected = [credential.date, credential.region, credential.service, 'aws4_request', toSign].reduce(
    (signingKey: string | Buffer, part) => createHmac('sha256', signingKey).update(part).digest(),
    `AWS4${key.secretAccessKey}`,
  );
  const given = Buffer.from(signature, 'hex');
  if (!Buffer.isBuffer(expected) || given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw invalid(
      'The request signature we calculated does not match the signature you provided. Check your AWS ' +
        'Secret Access Key and signing method. Consult the service documentation for details.\n\n' +
        `The Canonical String for this request should have been\n'${canonical}'\n\n` +
        `The String-to-Sign should have been\n'${toSign}'\n`,
    );
  }
  return credential.accessKeyId;
}

/** The query in canonical form: decoded with `+` as a space, encoded anew, sorted. */
export function canonicalQuery(query: string): string {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const cut = part.indexOf('=');
      const name = cut < 0 ? part : part.slice(0, cut);
      const value = cut < 0 ? '' : part.slice(cut + 1);
      return [encode(decode(name)), encode(decode(value))] as const;
    })
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

interface Credential {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

function parseAuthorization(text: string) {
  const [algorithm, ...rest] = text.split(' ');
  if (algorithm !== ALGORITHM) throw incomplete(`Unsupported AWS 'algorithm': '${algorithm}'.`);
  const parameters = new Map(
    rest
      .join('')
      .split(',')
      .map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  );
  const credentialText = parameters.get('Credential');
  const headers = parameters.get('SignedHeaders');
  const signature = parameters.get('Signature');
  if (credentialText === undefined) throw incomplete("Authorization header requires 'Credential' parameter.");
  if (headers === undefined) throw incomplete("Authorization header requires 'SignedHeaders' parameter.");
  if (signature === undefined) throw incomplete("Authorization header requires 'Signature' parameter.");

  const [accessKeyId, date, region, service, end, ...more] = credentialText.split('/');
  if (
    accessKeyId === undefined ||
    date === undefined ||
    region === undefined ||
    service === undefined ||
    end !== 'aws4_request' ||
    more.length > 0
  ) {
    throw incomplete(
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credentialText}'`,
    );
  }
  const credential: Credential = { accessKeyId, date, region, service };
  return { credential, signedHeaders: headers.split(';'), signature };
}

function checkScope(credential: Credential, date: string, rules: SignatureRules): void {
  if (credential.service !== rules.service) {
    throw invalid(`Credential should be scoped to correct service: '${rules.service}'. `);
  }
  if (credential.region !== rules.region) {
    throw invalid(
      `Credential should be scoped to a valid region: this control plane is in '${rules.region}', the request says '${credential.region}'.`,
    );
  }
  if (!date.startsWith(credential.date)) {
    throw invalid(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${credential.date}' != '${date.slice(0, 8)}', from '${date}'.`,
    );
  }
}

function checkSkew(date: string, nowMs: number): void {
  const iso = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const signedAt = Date.parse(iso);
  if (Number.isNaN(signedAt)) throw incomplete(`'${date}' is not a date.`);
  const now = compact(nowMs);
  if (signedAt < nowMs - MAX_SKEW_MS) {
    const limit = compact(nowMs - MAX_SKEW_MS);
    throw invalid(`Signature expired: ${date} is now earlier than ${limit} (${now} - 5 min.)`);
  }
  if (signedAt > nowMs + MAX_SKEW_MS) {
    const limit = compact(nowMs + MAX_SKEW_MS);
    throw invalid(`Signature not yet current: ${date} is still later than ${limit} (${now} + 5 min.)`);
  }
}

function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[]): string {
  const headers = signedHeaders.map((name) => {
    const value = header(request, name);
    if (value === undefined) throw invalid(`The signed header '${name}' is not in the request.`);
    return `${name}:${value.trim().replace(/ +/g, ' ')}\n`;
  });
  const path = request.path.split('/').map(encode).join('/');
  return [
    request.method,
    path,
    canonicalQuery(request.query),
    headers.join(''),
    signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n');
}

function header(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name];
  return value === undefined || typeof value === 'string' ? value : value.join(',');
}

function incomplete(message: string): ApiError {
  return new ApiError('IncompleteSignatureException', message, 400);
}

function invalid(message: string): ApiError {
  return new ApiError('InvalidSignatureException', message, 403);
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compact(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
