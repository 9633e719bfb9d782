import { createHash } from 'node:crypto';
import { z } from '../../schema.ts';
import type { RegistryCredentials } from '../images.ts';
import type { Challenge } from './challenge.ts';
import type { RegistryEndpoint } from './endpoint.ts';
import { describeErrorBody, RegistryError } from './registry-error.ts';
import { isAllowed, protocolError, readAll, type Transport } from './transport.ts';

/** A repository at a registry, and who asks. */
export interface RegistryTarget {
  readonly host: string;
  readonly repository: string;
  readonly credentials?: RegistryCredentials;
}

/** Where a challenge came from. */
interface Challenged {
  readonly endpoint: RegistryEndpoint;
  readonly signal: AbortSignal;
}

interface Grant {
  readonly header: string;
  /** Epoch ms. */
  readonly expiresAt: number;
}

const tokenSchema = z.object({
  token: z.optional(z.string()),
  access_token: z.optional(z.string()),
  expires_in: z.optional(z.number()),
});
const MAX_TOKEN_BYTES = 1 << 20;
const DEFAULT_TOKEN_SECONDS = 60;
/** A token is not used in its last seconds, so that it does not run out on the way. */
const EXPIRY_MARGIN_MS = 5_000;
const BASIC_MS = 3_600_000;
const MAX_GRANTS = 200;

/**
 * Turns challenges into Authorization headers and keeps those it got, each for one registry, repository and
 * credentials, so that nobody rides on another's rights.
 */
export class Authorizer {
  readonly #transport: Transport;
  readonly #now: () => number;
  readonly #grants = new Map<string, Grant>();

  constructor(transport: Transport, now: () => number) {
    this.#transport = transport;
    this.#now = now;
  }

  /** The header of an earlier `authorize`, while it is good. */
  known(target: RegistryTarget): string | undefined {
    const grant = this.#grants.get(keyOf(target));
    return grant !== undefined && grant.expiresAt > this.#now() ? grant.header : undefined;
  }

  /** Drops what `known` gives: the registry would not have it. */
  forget(target: RegistryTarget): void {
    this.#grants.delete(keyOf(target));
  }

  /** A fresh header that answers the challenges; undefined when none of them can be answered. */
  async authorize(
    target: RegistryTarget,
    challenges: readonly Challenge[],
    challenged: Challenged,
  ): Promise<string | undefined> {
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    const grant =
      bearer !== undefined
        ? await this.#token(target, bearer, challenged)
        : basicGrant(target, challenges, this.#now());
    if (grant === undefined) return undefined;
    this.#keep(keyOf(target), grant);
    return grant.header;
  }

  #keep(key: string, grant: Grant): void {
    this.#grants.delete(key);
    this.#grants.set(key, grant);
    const now = this.#now();
    for (const [other, { expiresAt }] of this.#grants) {
      if (expiresAt <= now || this.#grants.size > MAX_GRANTS) this.#grants.delete(other);
    }
  }

  async #token(
    target: RegistryTarget,
    challenge: Challenge,
    { endpoint, signal }: Challenged,
  ): Promise<Grant> {
    const { host, repository, credentials } = target;
    const { realm, service, scope } = challenge.parameters;
    const url = URL.parse(realm ?? '');
    const mayBePlain = endpoint.scheme === 'http';
    if (url === null || !isAllowed(url, { mayBePlain })) {
      throw protocolError(target, `names "${realm ?? ''}" as its token server, which is no https URL`);
    }
    if (service !== undefined) url.searchParams.set('service', service);
    url.searchParams.set('scope', scope ?? `repository:${repository}:pull`);
    const headers: Record<string, string> = { accept: 'application/json' };
    if (credentials !== undefined) {
      url.searchParams.set('account', credentials.username);
      headers.authorization = basic(credentials);
    }
    const { tls } = endpoint;
    const response = await this.#transport.request({
      ...{ method: 'GET', url, headers, host, repository, signal, mayBePlain },
      ...(tls !== undefined && { tls }),
    });
    const body = (await readAll(response, MAX_TOKEN_BYTES, target)).toString('utf8');
    if (response.status !== 200) {
      const { code, detail } = describeErrorBody(response.status, body);
      const failure = { host, repository, status: response.status, code };
      throw new RegistryError({ ...failure, detail: `no token from ${url.host}: ${detail}` });
    }
    const parsed = tokenSchema.safeParse(jsonOf(body));
    const token = parsed.data?.token || parsed.data?.access_token;
    if (!parsed.success || !token) throw protocolError(target, `got no token in the answer of ${url.host}`);
    const lifeMs = (parsed.data.expires_in ?? DEFAULT_TOKEN_SECONDS) * 1000 - EXPIRY_MARGIN_MS;
    return { header: `Bearer ${token}`, expiresAt: this.#now() + lifeMs };
  }
}

function basicGrant(
  target: RegistryTarget,
  challenges: readonly Challenge[],
  now: number,
): Grant | undefined {
  if (target.credentials === undefined || !challenges.some(({ scheme }) => scheme === 'basic'))
    return undefined;
  return { header: basic(target.credentials), expiresAt: now + BASIC_MS };
}

function basic({ username, password }: RegistryCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function keyOf({ host, repository, credentials }: RegistryTarget): string {
  const who = JSON.stringify(credentials === undefined ? [] : [credentials.username, credentials.password]);
  return `${host}/${repository} ${createHash('sha256').update(who).digest('base64')}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
