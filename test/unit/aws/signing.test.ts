import { describe, expect, it } from 'vitest';
import type { AwsCredentials } from '../../../src/aws/credentials.ts';
import { RequestSigner } from '../../../src/aws/signing.ts';
import { expectedAuthorization } from './expected-signature.ts';

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const scope = { region: 'us-west-2', service: 'ecs', time: '20260102T030405Z' };
const now = () => Date.parse('2026-01-02T03:04:05Z');

function signerWith(credentials: AwsCredentials = keys): RequestSigner {
  return new RequestSigner({ credentials: { get: async () => credentials }, ...scope, now });
}

const session =
  'wss://ecs-a-3.us-west-2.amazonaws.com/ws?agentVersion=1&clusterArn=a%2Fb&dockerVersion=DockerVersion%3A+20+x&seqNum=1';
const sessionQuery = 'agentVersion=1&clusterArn=a%2Fb&dockerVersion=DockerVersion%3A%2020%20x&seqNum=1';
const sessionHost = 'ecs-a-3.us-west-2.amazonaws.com';

describe('signature', () => {
  it('of an API call covers exactly the headers given, the host and the time', async () => {
    const headers = {
      'amz-sdk-invocation-id': 'u-u-i-d',
      'amz-sdk-request': 'attempt=1; max=3',
      'content-length': '2',
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonEC2ContainerServiceV20141113.X',
    };
    const signed = await signerWith().signRequest({
      method: 'POST',
      url: new URL('http://127.0.0.1:43213'),
      headers,
      body: '{}',
    });
    const canonical = {
      method: 'POST',
      path: '/',
      query: '',
      headers: {
        'amz-sdk-invocation-id': 'u-u-i-d',
        'amz-sdk-request': 'attempt=1; max=3',
        'content-length': '2',
        'content-type': 'application/x-amz-json-1.1',
        host: '127.0.0.1:43213',
        'x-amz-date': scope.time,
        'x-amz-target': 'AmazonEC2ContainerServiceV20141113.X',
      },
      body: '{}',
    };
    expect(signed).toEqual({
      ...canonical.headers,
      authorization: expectedAuthorization(canonical, keys, scope),
    });
  });

  it('of a websocket upgrade covers host, time and token only, over an empty body', async () => {
    const signed = await signerWith({ ...keys, sessionToken: 'to/ken' }).signUpgrade(new URL(session));
    const canonical = {
      method: 'GET',
      path: '/ws',
      query: sessionQuery,
      headers: { host: sessionHost, 'x-amz-date': scope.time, 'x-amz-security-token': 'to/ken' },
      body: '',
    };
    expect(signed).toEqual({
      authorization: expectedAuthorization(canonical, keys, scope),
      'x-amz-date': scope.time,
      'x-amz-security-token': 'to/ken',
    });
  });

  it('of an upgrade names no token when there is none', async () => {
    const signed = await signerWith().signUpgrade(new URL(session));
    expect(signed.authorization).toContain('SignedHeaders=host;x-amz-date,');
    expect(Object.keys(signed).sort()).toEqual(['authorization', 'x-amz-date']);
  });

  it('of a telemetry frame stands in a header block before the JSON', async () => {
    const json = '{"type":"PublishMetricsRequest","message":{"é":1}}';
    const frame = await signerWith({ ...keys, sessionToken: 'to/ken' }).signTcsFrame(new URL(session), json);
    const canonical = {
      method: 'GET',
      path: '/ws',
      query: sessionQuery,
      headers: { host: sessionHost, 'x-amz-date': scope.time, 'x-amz-security-token': 'to/ken' },
      body: json,
    };
    expect(frame).toBe(
      [
        `Authorization: ${expectedAuthorization(canonical, keys, scope)}`,
        `Host: ${sessionHost}`,
        `X-Amz-Date: ${scope.time}`,
        'X-Amz-Security-Token: to/ken',
        '',
        json,
      ].join('\r\n'),
    );
  });

  it('uses the credentials of the moment', async () => {
    let id = 'A';
    const credentials = { get: async () => ({ accessKeyId: id, secretAccessKey: 's' }) };
    const signer = new RequestSigner({ credentials, ...scope, now });
    expect((await signer.signUpgrade(new URL(session))).authorization).toContain('Credential=A/');
    id = 'B';
    expect((await signer.signUpgrade(new URL(session))).authorization).toContain('Credential=B/');
  });
});
