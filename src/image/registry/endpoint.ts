import { DOCKER_HUB } from '../reference.ts';
import { isLoopback } from './transport.ts';

/** `resolve`: to say which digest a tag has; `pull`: to send what has a digest. */
export type EndpointCapability = 'pull' | 'resolve';

/** How a server is known and the agent made known to it, besides what the machine trusts. */
export interface TlsSettings {
  /** PEM files of authorities that are trusted too. */
  readonly caFiles: readonly string[];
  /** PEM files; a certificate may bring its key in the same one. */
  readonly clientPairs: readonly { readonly certFile: string; readonly keyFile: string }[];
  readonly skipVerify: boolean;
}

/** One server that has the images of a registry: the registry itself, or a mirror of it. */
export interface RegistryEndpoint {
  /** Host, with its port if it has one. */
  readonly address: string;
  /** `either`: https, and http where nobody speaks TLS. */
  readonly scheme: 'https' | 'http' | 'either';
  /** What the URLs of repositories begin with: `/v2`. */
  readonly path: string;
  readonly capabilities: ReadonlySet<EndpointCapability>;
  /** Sent with each request, to this server only. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: TlsSettings;
  /** Not the registry's own: it is told for whom it is asked, and gets nobody's credentials. */
  readonly isMirror: boolean;
}

/** Where the images of a registry come from, in the order in which to ask; the last one is decisive. */
export interface EndpointSource {
  endpointsOf(host: string): Promise<readonly RegistryEndpoint[]>;
}

/** Address at which a registry answers by itself. */
export function addressOf(host: string): string {
  return host === DOCKER_HUB ? 'registry-1.docker.io' : host;
}

/** The registry itself: by https; on loopback also by plain HTTP. */
export function upstreamOf(host: string): RegistryEndpoint {
  const address = addressOf(host);
  return {
    address,
    scheme: isLoopback(new URL(`https://${address}`).hostname) ? 'either' : 'https',
    path: '/v2',
    capabilities: new Set(['pull', 'resolve']),
    headers: {},
    isMirror: false,
  };
}
