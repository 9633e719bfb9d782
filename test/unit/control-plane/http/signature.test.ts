import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { describe, expect, test } from 'vitest';
import { ApiError } from '../../../../src/control-plane/api-error.ts';
import {
  canonicalQuery,
  type SignatureRules,
  type SignedRequest,
  verifySignature,
} from '../../../../src/control-plane/http/signature.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');

const rules: SignatureRules = {
  region: 'us-west-2',
  service: 'ecs',
  nowMs: NOW,
  keyOf: (id) =>
    id === 'AKID'
      ? { secretAccessKey: 'secret' }
      : id === 'ASIA'
        ? { secretAccessKey: 'temporary', sessionToken: 'token', expiresAt: NOW + 1 }
        : undefined,
};

interface Signing {
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  readonly region?: string;
  readonly service?: string;
  readonly at?: number;
}

/** Signs with a signer that is not ours. */
async function sign(request: SignedRequest, how: Signing = {}): Promise<SignedRequest> {
  const signer = new SignatureV4({
    credentials: {
      accessKeyId: how.accessKeyId ?? 'AKID',
      secretAccessKey: how.secretAccessKey ?? 'secret',
      ...(how.sessionToken === undefined ? {} : { sessionToken: how.sessionToken }),
    },
    region: how.region ?? 'us-west-2',
    service: how.service ?? 'ecs',
    sha256: Sha256,
    applyChecksum: false,
  });
  const signed = await signer.sign(
    {
      method: request.method,
      protocol: 'http:',
      hostname: '127.0.0.1',
      path: request.path,
      query: Object.fromEntries(new URLSearchParams(request.query)),
      headers: { host: '127.0.0.1:8080', ...(request.headers as Record<string, string>) },
      body: request.body,
    },
    { signingDate: new Date(how.at ?? NOW) },
  );
  return { ...request, headers: signed.headers };
}

const call: SignedRequest = {
  method: 'POST',
  path: '/',
  query: '',
  headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'X.ListClusters' },
  body: '{"maxResults":3}',
};

const upgrade: SignedRequest = {
  method: 'GET',
  path: '/acs/ws',
  query: 'seqNum=1&containerInstanceArn=arn%3Aaws%3Aecs%2Fa&dockerVersion=DockerVersion%3A+20.10.24%2Bdfsg1',
  headers: {},
  body: '',
};

function codeOf(request: SignedRequest): string {
  try {
    verifySignature(request, rules);
    return 'accepted';
  } catch (error) {
    return error instanceof ApiError ? `${error.httpStatus} ${error.code}` : String(error);
  }
}

describe('verifySignature', () => {
  test('accepts the published example of Signature Version 4', () => {
    const example: SignedRequest = {
      method: 'GET',
      path: '/',
      query: '',
      headers: {
        host: 'example.amazonaws.com',
        'x-amz-date': '20150830T123600Z',
        authorization:
          'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
          'SignedHeaders=host;x-amz-date, ' +
          'Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
      },
      body: '',
    };
    const accepted = verifySignature(example, {
      region: 'us-east-1',
      service: 'service',
      nowMs: Date.parse('2015-08-30T12:36:00Z'),
      keyOf: () => ({ secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }),
    });
    expect(accepted).toBe('AKIDEXAMPLE');
  });

  test.each([
    ['an API call', call],
    ['an upgrade with a query', upgrade],
  ])('accepts %s of another signer', async (_name, request) => {
    expect(codeOf(await sign(request))).toBe('accepted');
  });

  test('accepts temporary keys with their token', async () => {
    const how = { accessKeyId: 'ASIA', secretAccessKey: 'temporary', sessionToken: 'token' };
    expect(codeOf(await sign(call, how))).toBe('accepted');
  });

  test.each<[string, Signing, string]>([
    ['a wrong secret key', { secretAccessKey: 'other' }, '403 InvalidSignatureException'],
    ['an unknown access key', { accessKeyId: 'AKIDX' }, '403 UnrecognizedClientException'],
    ['a wrong token', { accessKeyId: 'ASIA', sessionToken: 'other' }, '403 UnrecognizedClientException'],
    ['another region', { region: 'us-east-1' }, '403 InvalidSignatureException'],
    ['another service', { service: 'ec2' }, '403 InvalidSignatureException'],
    ['a clock 5 min 1 s behind', { at: NOW - 301_000 }, '403 InvalidSignatureException'],
    ['a clock 5 min 1 s ahead', { at: NOW + 301_000 }, '403 InvalidSignatureException'],
    ['a clock 4 min 59 s behind', { at: NOW - 299_000 }, 'accepted'],
    ['a clock 4 min 59 s ahead', { at: NOW + 299_000 }, 'accepted'],
  ])('judges %s', async (_name, how, expected) => {
    expect(codeOf(await sign(call, how))).toBe(expected);
  });

  test('refuses temporary keys that have ended', async () => {
    const how = { accessKeyId: 'ASIA', secretAccessKey: 'temporary', sessionToken: 'token' };
    const request = await sign(call, how);
    const later = { ...rules, nowMs: NOW + 1 };
    expect(() => verifySignature(request, later)).toThrow('expired');
  });

  test.each<[string, (signed: SignedRequest) => SignedRequest]>([
    ['the body', (signed) => ({ ...signed, body: '{"maxResults":4}' })],
    ['the path', (signed) => ({ ...signed, path: '/x' })],
    ['the query', (signed) => ({ ...signed, query: 'a=b' })],
    ['the method', (signed) => ({ ...signed, method: 'PUT' })],
    [
      'a signed header',
      (signed) => ({ ...signed, headers: { ...signed.headers, 'x-amz-target': 'X.RunTask' } }),
    ],
  ])('refuses a request whose %s was changed', async (_name, change) => {
    expect(codeOf(change(await sign(call)))).toBe('403 InvalidSignatureException');
  });

  test.each<[string, string | undefined, string]>([
    ['none', undefined, '403 MissingAuthenticationTokenException'],
    ['another scheme', 'Bearer abc', '400 IncompleteSignatureException'],
    ['no signature', 'AWS4-HMAC-SHA256 Credential=A/B/C/D/E', '400 IncompleteSignatureException'],
    [
      'a short credential',
      'AWS4-HMAC-SHA256 Credential=A/B, SignedHeaders=host, Signature=00',
      '400 IncompleteSignatureException',
    ],
  ])('refuses an authorization header with %s', async (_name, authorization, expected) => {
    const signed = await sign(call);
    expect(codeOf({ ...signed, headers: { ...signed.headers, authorization } })).toBe(expected);
  });
});

test('a canonical query is decoded, encoded anew and sorted', () => {
  expect(canonicalQuery('b=2&a=x+y&a=%7e&c')).toBe('a=x%20y&a=~&b=2&c=');
});
