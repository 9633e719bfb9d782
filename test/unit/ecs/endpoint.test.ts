import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/config/config-error.ts';
import { ecsEndpoint } from '../../../src/ecs/endpoint.ts';

const endpoint = (
  backendHost: string,
  region = 'us-west-2',
  ipCompatibility: 'ipv4' | 'ipv6' | 'dual' = 'ipv4',
) => ecsEndpoint({ backendHost, region, ipCompatibility }).href;

describe('endpoint of the ECS API', () => {
  it.each([
    ['us-west-2', 'ipv4', 'https://ecs.us-west-2.amazonaws.com/'],
    ['eu-west-1', 'ipv6', 'https://ecs.eu-west-1.api.aws/'],
    ['eu-west-1', 'dual', 'https://ecs.eu-west-1.amazonaws.com/'],
    ['cn-north-1', 'ipv4', 'https://ecs.cn-north-1.amazonaws.com.cn/'],
    ['us-gov-west-1', 'ipv4', 'https://ecs.us-gov-west-1.amazonaws.com/'],
    ['us-isob-east-1', 'ipv4', 'https://ecs.us-isob-east-1.sc2s.sgov.gov/'],
  ] as const)('is the region’s: %s %s', (region, compatibility, url) => {
    expect(endpoint('', region, compatibility)).toBe(url);
  });

  it('is that of ECS_BACKEND_HOST if there is one (ECS-02)', () => {
    expect(endpoint('https://ecs.example:8443/x')).toBe('https://ecs.example:8443/x');
  });

  it('is https where no scheme is given (ECS-63)', () => {
    expect(endpoint('ecs.example:8443')).toBe('https://ecs.example:8443/');
  });

  it.each(['http://127.0.0.1:1', 'http://127.1.2.3', 'http://localhost:1', 'http://[::1]:1'])(
    'may be plain http on loopback: %s',
    (host) => {
      expect(endpoint(host)).toMatch(/^http:/);
    },
  );

  it.each([
    'http://ecs.example',
    'http://10.0.0.1',
    'http://127.0.0.1.example.com',
    'http://localhost.example',
  ])('may not be plain http elsewhere: %s', (host) => {
    expect(() => endpoint(host)).toThrow(ConfigError);
    expect(() => endpoint(host)).toThrow(/only loopback/);
  });

  it('must be a URL', () => {
    expect(() => endpoint('https://')).toThrow(/ECS_BACKEND_HOST/);
  });
});
