import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import type { LogCredentials } from '../credentials-broker.ts';

export interface SigningScope {
  readonly region: string;
  readonly service: string;
}

/**
 * Headers of a POST signed with AWS Signature Version 4, the given ones included. Of our own, since a batch of a
 * megabyte is hashed ten times faster by node:crypto than by the JavaScript that the SDK's signer brings along.
 */
export function signPost(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  credentials: LogCredentials,
  { region, service }: SigningScope,
  now: Date,
): Record<string, string> {
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const date = time.slice(0, 8);
  const signed: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-date': time,
    ...(credentials.sessionToken !== undefined && { 'x-amz-security-token': credentials.sessionToken }),
  };
  const names = Object.keys(signed).sort();
  const canonical = [
    'POST',
    url.pathname,
    '',
    ...names.map((name) => `${name}:${(signed[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    hex(createHash('sha256').update(body)),
  ].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hex(createHash('sha256').update(canonical))].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<Buffer | string>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${credentials.secretAccessKey}`,
  );
  const signature = hex(createHmac('sha256', key).update(toSign));
  return {
    ...signed,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

function hex(hash: Hash | Hmac): string {
  return hash.digest('hex');
}
