import type { Authorizer, RegistryTarget } from './authorizer.ts';
import { parseChallenges } from './challenge.ts';
import type { RegistryEndpoint } from './endpoint.ts';
import { RegistryError } from './registry-error.ts';
import type { Transport, TransportResponse } from './transport.ts';

/** A request to a repository, wherever it is. */
export interface RepositoryRequest {
  readonly method: 'GET' | 'HEAD';
  /** Below the repository: `manifests/latest`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Asks one endpoint, in the scheme that it speaks and with the authorization that it wants. */
export class EndpointRequests {
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  /** Addresses that were last reached without TLS. */
  readonly #plain = new Set<string>();

  constructor(transport: Transport, authorizer: Authorizer) {
    this.#transport = transport;
    this.#authorizer = authorizer;
  }

  /** The endpoint's answer; a 401 only if it cannot be helped. `target` says who asks there. */
  async send(
    endpoint: RegistryEndpoint,
    target: RegistryTarget,
    request: RepositoryRequest,
    namespace: string,
  ): Promise<TransportResponse> {
    const known = this.#authorizer.known(target);
    const send = (authorization: string | undefined) => {
      const headers = { ...request.headers, ...(authorization !== undefined && { authorization }) };
      return this.#sendInScheme(endpoint, target, { ...request, headers }, namespace);
    };
    const response = await send(known);
    if (response.status !== 401) return response;
    const challenges = parseChallenges(String(response.headers['www-authenticate'] ?? ''));
    if (known !== undefined) this.#authorizer.forget(target);
    let authorization: string | undefined;
    try {
      authorization = await this.#authorizer.authorize(target, challenges, {
        endpoint,
        signal: request.signal,
      });
    } catch (error) {
      response.discard();
      throw error;
    }
    if (authorization === undefined) return response;
    for await (const _ of response.body);
    const again = await send(authorization);
    if (again.status === 401) this.#authorizer.forget(target);
    return again;
  }

  async #sendInScheme(
    endpoint: RegistryEndpoint,
    target: RegistryTarget,
    request: RepositoryRequest,
    namespace: string,
  ): Promise<TransportResponse> {
    const { address, isMirror, scheme, tls } = endpoint;
    const { host, repository } = target;
    const send = (by: 'https' | 'http') => {
      const url = new URL(`${by}://${address}${endpoint.path}/${repository}/${request.path}`);
      if (isMirror) url.searchParams.set('ns', namespace);
      const { method, headers, signal } = request;
      return this.#transport.request({
        ...{ method, url, headers, host, repository, signal },
        endpointHeaders: endpoint.headers,
        mayBePlain: scheme === 'http',
        ...(tls !== undefined && { tls }),
      });
    };
    if (scheme !== 'either') return await send(scheme);
    if (!this.#plain.has(address)) {
      try {
        return await send('https');
      } catch (error) {
        if (!(error instanceof RegistryError) || error.code === 'TLS' || error.status !== undefined)
          throw error;
      }
    }
    try {
      const response = await send('http');
      // A TLS server answers plain HTTP with 400; the next request tries https again.
      if (response.status === 400) this.#plain.delete(address);
      else this.#plain.add(address);
      return response;
    } catch (error) {
      this.#plain.delete(address);
      throw error;
    }
  }
}
