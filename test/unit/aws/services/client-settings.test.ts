import { describe, expect, it } from 'vitest';
import {
  clientSettings,
  namedEndpoint,
  type ServiceName,
} from '../../../../src/aws/services/client-settings.ts';

const target = { region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
const connections = {
  sslCertificateFile: '',
  sslCertificateDirectory: '',
  acceptInsecureCertificates: false,
  proxyEnvironment: {},
};

describe('the endpoint of a service', () => {
  const of = (env: Readonly<Record<string, string>>, endpoint?: string) =>
    namedEndpoint('SSM', { ...target, ...(endpoint !== undefined && { endpoint }) }, { env });

  it('is what the payload names, else what the environment names for the service, else for all', () => {
    const env = { AWS_ENDPOINT_URL: 'http://all', AWS_ENDPOINT_URL_SSM: 'http://ssm' };
    expect(of(env, 'vpce-1.example')).toBe('https://vpce-1.example');
    expect(of(env, 'http://127.0.0.1:1')).toBe('http://127.0.0.1:1');
    expect(of(env)).toBe('http://ssm');
    expect(of({ AWS_ENDPOINT_URL: 'http://all' })).toBe('http://all');
    expect(of({})).toBeUndefined();
    expect(of({ ...env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' })).toBeUndefined();
  });
});

describe('settings of a client', () => {
  const of = (
    name: ServiceName,
    more: { ipv6Only?: boolean; fipsHost?: boolean; env?: Record<string, string> },
  ) =>
    clientSettings(
      name,
      { ...target, region: more.env?.REGION ?? target.region },
      { env: {}, connections, ipv6Only: false, fipsHost: false, ...more },
    );

  it('use addresses of IPv6 on a host without IPv4, but for Secrets Manager', async () => {
    for (const name of ['SSM', 'S3', 'ECR'] as const)
      expect(await of(name, { ipv6Only: true })).toMatchObject({ useDualstackEndpoint: true });
    expect(await of('SECRETS_MANAGER', { ipv6Only: true })).toMatchObject({ useDualstackEndpoint: false });
  });

  it('use FIPS endpoints where the environment says so, and for S3 where the host does and the region has them', async () => {
    expect(await of('ECR', { env: { AWS_USE_FIPS_ENDPOINT: 'true' } })).toMatchObject({
      useFipsEndpoint: true,
    });
    expect(await of('ECR', { fipsHost: true })).toMatchObject({ useFipsEndpoint: false });
    expect(await of('S3', { fipsHost: true })).toMatchObject({ useFipsEndpoint: true });
    expect(await of('S3', { fipsHost: true, env: { REGION: 'eu-west-1' } })).toMatchObject({
      useFipsEndpoint: false,
    });
  });

  it('leave an endpoint that was named as it is', async () => {
    const env = {
      AWS_ENDPOINT_URL: 'https://ecr-fips.us-east-1.amazonaws.com',
      AWS_USE_FIPS_ENDPOINT: 'true',
    };
    expect(await of('ECR', { env, ipv6Only: true })).toMatchObject({
      endpoint: env.AWS_ENDPOINT_URL,
      useFipsEndpoint: false,
      useDualstackEndpoint: false,
    });
  });
});
