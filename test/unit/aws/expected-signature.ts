import { createHash, createHmac } from 'node:crypto';

/** What is signed, already in canonical form. */
export interface CanonicalRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Lower-case names, sorted. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The Authorization header that Signature Version 4 asks for, worked out from its definition. */
export function expectedAuthorization(
  request: CanonicalRequest,
  keys: { accessKeyId: string; secretAccessKey: string },
  scope: { region: string; service: string; time: string },
): string {
  const names = Object.keys(request.headers);
  const canonical = [
    request.method,
    request.path,
    request.query,
    ...names.map((name) => `${name}:${request.headers[name]}`),
    '',
    names.join(';'),
    sha256(request.body),
  ].join('\n');
  const day = scope.time.slice(0, 8);
  const credentialScope = `${day}/${scope.region}/${scope.service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', scope.time, credentialScope, sha256(canonical)].join('\n');
  const key = [day, scope.region, scope.service, 'aws4_request'].reduce<Buffer | string>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    `AWS4${keys.secretAccessKey}`,
  );
  const signature = createHmac('sha256', key).update(text).digest('hex');
  return `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${credentialScope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
