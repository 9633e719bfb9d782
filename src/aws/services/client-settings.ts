import { type ConnectionSettings, createHttpAgent } from '../connections.ts';
import type { AwsCredentials } from '../credentials.ts';

/** Services that the agent asks for tasks, by the names in the SDK's variables AWS_ENDPOINT_URL_<NAME>. */
export type ServiceName = 'SSM' | 'SECRETS_MANAGER' | 'S3' | 'ECR';

/** Where and as whom a service is asked. */
export interface ServiceTarget {
  readonly region: string;
  readonly credentials: AwsCredentials;
  /** URL, or a host that is asked by https; absent: the region's own, or what the environment names. */
  readonly endpoint?: string;
}

/** What of this host shapes every client. */
export interface ServiceSettings {
  /** AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<NAME>, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, AWS_USE_FIPS_ENDPOINT. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly connections: ConnectionSettings;
  /** The host has no IPv4. */
  readonly ipv6Only: boolean;
  /** The host's kernel keeps to FIPS 140. */
  readonly fipsHost: boolean;
}

/** For a connection and for the wait between two bytes (resources.md §1). */
const HTTP_TIMEOUT_MS = 5_000;
const ATTEMPTS = 3;

/**
 * Settings of an SDK client. An endpoint that somebody named is taken as it is: the SDK's own forms for FIPS and
 * IPv6 would not fit it. Destroying the client closes its connections.
 */
export async function clientSettings(name: ServiceName, target: ServiceTarget, settings: ServiceSettings) {
  const endpoint = namedEndpoint(name, target, settings);
  const { accessKeyId, secretAccessKey, sessionToken } = target.credentials;
  const [httpAgent, httpsAgent] = await Promise.all([
    createHttpAgent('http:', settings.connections),
    createHttpAgent('https:', settings.connections),
  ]);
  return {
    region: target.region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    maxAttempts: ATTEMPTS,
    requestHandler: {
      connectionTimeout: HTTP_TIMEOUT_MS,
      requestTimeout: HTTP_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent,
      httpsAgent,
    },
    ...(endpoint === undefined
      ? {
          useFipsEndpoint: usesFips(name, target, settings),
          // Secrets Manager is left to the SDK's own resolution (resources.md §1).
          useDualstackEndpoint: settings.ipv6Only && name !== 'SECRETS_MANAGER',
        }
      : { endpoint, useFipsEndpoint: false, useDualstackEndpoint: false }),
  };
}

/** The endpoint that the target, or else the environment, names; undefined: the region's own. */
export function namedEndpoint(
  name: ServiceName,
  { endpoint }: ServiceTarget,
  { env }: Pick<ServiceSettings, 'env'>,
): string | undefined {
  if (endpoint !== undefined && endpoint !== '')
    return /^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`;
  if (env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true') return undefined;
  return env[`AWS_ENDPOINT_URL_${name}`] || env.AWS_ENDPOINT_URL || undefined;
}

/** Regions in which Amazon S3 has FIPS endpoints (resources.md §3). */
const S3_FIPS_REGIONS: ReadonlySet<string> = new Set([
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
  'us-gov-east-1',
  'us-gov-west-1',
  'ca-central-1',
  'ca-west-1',
]);

function usesFips(name: ServiceName, { region }: ServiceTarget, { env, fipsHost }: ServiceSettings): boolean {
  if (env.AWS_USE_FIPS_ENDPOINT === 'true') return true;
  return name === 'S3' && fipsHost && S3_FIPS_REGIONS.has(region);
}
