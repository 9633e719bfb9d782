import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AwsServices } from '../../../src/aws/services/aws-services.ts';
import { AwsDouble } from '../../support/aws-double.ts';

const KEY = { accessKeyId: 'AKIDROLE', secretAccessKey: 'secret', sessionToken: 'token' };
const CONNECTIONS = {
  sslCertificateFile: '',
  sslCertificateDirectory: '',
  acceptInsecureCertificates: false,
  proxyEnvironment: {},
};

let aws: AwsDouble;
const target = { region: 'us-west-2', credentials: KEY };
const soon = () => ({ signal: AbortSignal.timeout(20_000) });
const services = (env: Readonly<Record<string, string>> = { AWS_ENDPOINT_URL: aws.url }) =>
  new AwsServices({ env, connections: CONNECTIONS, ipv6Only: false, fipsHost: false });

beforeAll(async () => {
  aws = await AwsDouble.start();
  aws.keys.push(KEY);
});
afterAll(() => aws[Symbol.asyncDispose]());
beforeEach(() => {
  aws.calls.length = 0;
  aws.refuse = () => undefined;
});

describe('AWS services, asked by the real SDK', () => {
  it('give parameters, secrets and logins', async () => {
    aws.parameters.set('/db/user', 'alice');
    aws.secrets.set('arn:secret', 'whole').set('arn:secret#v1', 'first').set('arn:secret#OLD', 'older');
    aws.registries.set('123456789012', { login: 'AWS:pass', lifeMs: 3_600_000 });
    const all = services();
    expect(await all.getParameters(target, ['/db/user', '/none'], soon())).toEqual({
      values: new Map([['/db/user', 'alice']]),
      invalid: ['/none'],
    });
    expect(await all.getSecretText(target, { secretId: 'arn:secret' }, soon())).toBe('whole');
    expect(await all.getSecretText(target, { secretId: 'arn:secret', versionId: 'v1' }, soon())).toBe(
      'first',
    );
    expect(await all.getSecretText(target, { secretId: 'arn:secret', versionStage: 'OLD' }, soon())).toBe(
      'older',
    );
    const [login] = await all.getEcrAuthorization(target, '123456789012', soon());
    expect(Buffer.from(login?.token ?? '', 'base64').toString()).toBe('AWS:pass');
    expect(login?.expiresAt).toBeGreaterThan(Date.now() + 3_000_000);
    expect(new Set(aws.calls.map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(['AKIDROLE']));
    expect(aws.calls[0]?.body).toMatchObject({ WithDecryption: true });
  });

  it('give objects of buckets in other regions too', async () => {
    aws.objects.set('near/app.env', 'A=1').set('far/dir/app.env', 'B=2');
    aws.bucketRegions.set('far', 'eu-west-1');
    const all = services({ AWS_ENDPOINT_URL_S3: aws.url, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' });
    expect(await all.getObjectText(target, { bucket: 'near', key: 'app.env' }, soon())).toBe('A=1');
    expect(await all.getObjectText(target, { bucket: 'far', key: 'dir/app.env' }, soon())).toBe('B=2');
    expect(aws.calls.at(-1)?.region).toBe('eu-west-1');
  });

  it('are asked three times while they have a fault, and once where they refuse', async () => {
    aws.parameters.set('/a', '1');
    let faults = 2;
    aws.refuse = () =>
      faults-- > 0 ? { status: 500, code: 'InternalServerError', message: 'try later' } : undefined;
    const answer = await services().getParameters(target, ['/a'], soon());
    expect(answer.values.get('/a')).toBe('1');
    expect(aws.calls.length).toBe(3);
    aws.refuse = () => ({ status: 400, code: 'AccessDeniedException', message: 'not you' });
    await expect(services().getParameters(target, ['/a'], soon())).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: 'not you',
    });
    expect(aws.calls.length).toBe(4);
  });

  it('refuse keys that they do not know', async () => {
    const stranger = { ...target, credentials: { ...KEY, sessionToken: 'expired' } };
    await expect(services().getSecretText(stranger, { secretId: 'x' }, soon())).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
    });
  });
});
