import { isLoopback } from '../aws/loopback.ts';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/config-error.ts';

/** Suffixes of regions outside the usual partition. */
const SUFFIXES: readonly (readonly [prefix: string, suffix: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
];

/**
 * Where the ECS API is: ECS_BACKEND_HOST, with https:// assumed (ECS-02, ECS-63), else the region's. Throws
 * `ConfigError` for what is no URL, and for plain http to anywhere but loopback, which would show credentials.
 */
export function ecsEndpoint(config: Pick<Config, 'backendHost' | 'region' | 'ipCompatibility'>): URL {
  if (config.backendHost === '') return new URL(regionalEndpoint(config));
  const text = /^https?:\/\//.test(config.backendHost) ? config.backendHost : `https://${config.backendHost}`;
  if (!URL.canParse(text)) throw new ConfigError([`ECS_BACKEND_HOST is not a URL or host: ${text}`]);
  const url = new URL(text);
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    throw new ConfigError([
      `ECS_BACKEND_HOST is plain http towards ${url.hostname}; only loopback may be asked without TLS, use https`,
    ]);
  return url;
}

function regionalEndpoint({ region, ipCompatibility }: Pick<Config, 'region' | 'ipCompatibility'>): string {
  const suffix = SUFFIXES.find(([prefix]) => region.startsWith(prefix))?.[1];
  if (suffix === undefined && ipCompatibility === 'ipv6') return `https://ecs.${region}.api.aws`;
  return `https://ecs.${region}.${suffix ?? 'amazonaws.com'}`;
}
