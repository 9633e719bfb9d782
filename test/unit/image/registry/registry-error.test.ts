import { describe, expect, it } from 'vitest';
import {
  certificateRefusalOf,
  describeErrorBody,
  RegistryError,
} from '../../../../src/image/registry/registry-error.ts';
import { isLoopback } from '../../../../src/image/registry/transport.ts';

describe('what a registry says', () => {
  it.each([
    [
      '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such tag"}]}',
      'MANIFEST_UNKNOWN',
      'manifest unknown: no such tag',
    ],
    ['{"errors":[{"code":"DENIED","message":""}]}', 'DENIED', 'denied'],
    ['{"details":"incorrect username or password"}', 'DENIED', 'denied: incorrect username or password'],
    ['{"error":"invalid_grant","error_description":"expired"}', 'DENIED', 'denied: expired'],
    ['<html>\n  Bad\tGateway </html>', 'HTTP_502', '<html> Bad Gateway </html>'],
    ['', 'HTTP_502', 'no explanation given'],
    ['{"errors":[]}', 'HTTP_502', '{"errors":[]}'],
  ])('in %s is told in one line', (body, code, detail) => {
    expect(describeErrorBody(502, body)).toEqual({ code, detail });
  });

  it('is cut when it is long and holds no control characters', () => {
    const { detail } = describeErrorBody(500, `\u001b[31m${'x'.repeat(5000)}`);
    expect(detail).toHaveLength(1025);
    expect(detail).not.toContain('\u001b');
  });
});

it.each([
  [undefined, 'ECONNREFUSED', true],
  [undefined, 'ENOTFOUND', true],
  [undefined, 'TLS', false],
  [undefined, 'PROTOCOL', false],
  [400, 'X', false],
  [401, 'UNAUTHORIZED', false],
  [403, 'DENIED', false],
  [404, 'NAME_UNKNOWN', false],
  [408, 'X', true],
  [429, 'TOOMANYREQUESTS', true],
  [500, 'X', true],
  [503, 'X', true],
])('status %s with code %s is worth a retry: %s', (status, code, retryable) => {
  const failure = {
    host: 'h',
    repository: 'r',
    code,
    detail: 'd',
    ...(status === undefined ? {} : { status }),
  };
  expect(new RegistryError(failure).retryable).toBe(retryable);
});

it.each([
  ['localhost', true],
  ['a.localhost', true],
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['[::1]', true],
  ['127.example.com', false],
  ['10.0.0.1', false],
  ['localhost.example.com', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

it.each([
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'the server wants a certificate of its clients'],
  [
    'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
    'the server does not accept the certificate of its client, or misses one',
  ],
  [
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
    'the server does not accept the certificate of its client, or misses one',
  ],
  [
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    'the server does not accept the certificate of its client, or misses one',
  ],
  ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', undefined],
  ['ERR_TLS_CERT_ALTNAME_INVALID', undefined],
  ['ECONNRESET', undefined],
])("what a server has against the client's certificate is known by %s", (code, refusal) => {
  expect(certificateRefusalOf(code)).toBe(refusal);
});
