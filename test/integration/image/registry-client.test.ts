import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RegistryTarget } from '../../../src/image/registry/authorizer.ts';
import { RegistryClient, type RegistryClientOptions } from '../../../src/image/registry/registry-client.ts';
import { RegistryError } from '../../../src/image/registry/registry-error.ts';
import { pushTestImage } from '../../support/push-image.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { makeScratch } from '../../support/scratch.ts';
import { soon } from './image-bench.ts';
import { type PassedRequest, type RegistryFront, startFront } from './registry-front.ts';
import { startTokenServer, type TokenServer } from './token-server.ts';

const USER = { username: 'tester', password: 'correct-horse' };

const clients: RegistryClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

function newClient(options: RegistryClientOptions = {}): RegistryClient {
  const client = new RegistryClient(options);
  clients.push(client);
  return client;
}

async function refusal(promise: Promise<unknown>): Promise<RegistryError> {
  const error = await promise.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof RegistryError)) throw error;
  return error;
}

describe('basic authentication at a real registry', () => {
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await startRegistry({ auth: 'basic' });
  });
  afterAll(() => registry.stop());

  it('is answered with the credentials, and from then on sent unasked', async () => {
    const { digest } = await pushTestImage(registry, 'private:1');
    const target = { host: registry.host, repository: 'private', credentials: USER };
    const client = newClient();
    const before = registry.requests().length;
    expect((await client.manifest(target, '1', soon())).digest).toBe(digest);
    expect((await client.manifest(target, '1', soon())).digest).toBe(digest);
    expect(
      registry
        .requests()
        .slice(before)
        .map((line) => line.slice(-3)),
    ).toEqual(['401', '200', '200']);
  });

  it.each([
    ['wrong credentials', { username: 'tester', password: 'wrong' }],
    ['no credentials', undefined],
  ])('refuses %s with 401 and says why', async (_, credentials) => {
    await pushTestImage(registry, 'private:1');
    const target = { host: registry.host, repository: 'private', ...(credentials && { credentials }) };
    const error = await refusal(newClient().digestOf(target, '1', soon()));
    expect(error).toMatchObject({ status: 401, code: 'UNAUTHORIZED', retryable: false, host: registry.host });
    expect(error.detail).toBe('unauthorized: authentication required');
    expect(JSON.stringify(error) + error.stack).not.toContain('wrong');
  });

  it('does not lend one caller the rights of another', async () => {
    await pushTestImage(registry, 'private:1');
    const client = newClient();
    const target = { host: registry.host, repository: 'private' };
    await client.manifest({ ...target, credentials: USER }, '1', soon());
    expect((await refusal(client.manifest(target, '1', soon()))).status).toBe(401);
  });
});

describe('bearer tokens', () => {
  let registry: TestRegistry;
  let front: RegistryFront;
  let tokens: TokenServer;
  let accepted: (request: PassedRequest) => boolean;
  const target = (): RegistryTarget => ({ host: front.host, repository: 'team/app' });

  beforeAll(async () => {
    registry = await startRegistry();
    front = await startFront(registry.port);
    tokens = await startTokenServer(USER, { anonymous: true });
    await pushTestImage(registry, 'team/app:1');
    guard();
  });
  afterEach(() => {
    front.requests.length = 0;
    tokens.requests.length = 0;
    tokens.tokens.length = 0;
    tokens.expiresIn = 300;
    guard();
  });
  afterAll(async () => {
    await tokens?.[Symbol.asyncDispose]();
    await front?.close();
    await registry?.stop();
  });
  const guard = () => {
    accepted = ({ authorization }) => authorization === `Bearer ${tokens.tokens.at(-1)}`;
    front.disturb = (request) => {
      if (accepted(request)) return undefined;
      const challenge = `Bearer realm="${tokens.realm}",service="reg, one",scope="repository:team/app:pull"`;
      return { answer: { status: 401, headers: { 'www-authenticate': challenge } } };
    };
  };

  it('are got once for a repository, anonymously, and kept', async () => {
    const client = newClient();
    await client.digestOf(target(), '1', soon());
    await client.manifest(target(), '1', soon());
    expect(tokens.requests).toHaveLength(1);
    const [{ query, authorization } = { query: new URLSearchParams(), authorization: '' }] = tokens.requests;
    expect(Object.fromEntries(query)).toEqual({ service: 'reg, one', scope: 'repository:team/app:pull' });
    expect(authorization).toBeUndefined();
    expect(front.requests.map(({ status }) => status)).toEqual([401, 200, 200]);
  });

  it('are got with the credentials, which the registry itself never sees', async () => {
    await newClient().manifest({ ...target(), credentials: USER }, '1', soon());
    expect(tokens.requests[0]?.authorization).toMatch(/^Basic /);
    expect(tokens.requests[0]?.query.get('account')).toBe('tester');
    expect(front.requests.some(({ authorization }) => authorization?.startsWith('Basic') === true)).toBe(
      false,
    );
  });

  it('that have run out are renewed before use, and those the registry drops at once', async () => {
    let now = 0;
    const client = newClient({ now: () => now });
    await client.manifest(target(), '1', soon());
    now = 296_000;
    await client.manifest(target(), '1', soon());
    expect(front.requests.map(({ status }) => status)).toEqual([401, 200, 401, 200]);
    accepted = ({ authorization }) => authorization === 'Bearer token-3';
    await client.manifest(target(), '1', soon());
    expect(tokens.requests).toHaveLength(3);
  });

  it('that nobody gives are told as what the token server said', async () => {
    const credentials = { username: 'tester', password: 'wrong' };
    const error = await refusal(newClient().manifest({ ...target(), credentials }, '1', soon()));
    expect(error).toMatchObject({ status: 401, retryable: false });
    expect(error.detail).toMatch(/no token from 127\.0\.0\.1:\d+: denied: incorrect username or password/);
  });

  it('that are not enough end in a refusal after one new one', async () => {
    accepted = () => false;
    expect((await refusal(newClient().manifest(target(), '1', soon()))).status).toBe(401);
    expect(tokens.requests).toHaveLength(1);
  });

  it('are not fetched by plain HTTP from another host', async () => {
    front.disturb = () => ({
      answer: { status: 401, headers: { 'www-authenticate': 'Bearer realm="http://tokens.invalid/"' } },
    });
    const error = await refusal(newClient().manifest({ ...target(), credentials: USER }, '1', soon()));
    expect(error).toMatchObject({ code: 'PROTOCOL', retryable: false });
  });
});

describe('redirects', () => {
  let registry: TestRegistry;
  let front: RegistryFront;
  beforeAll(async () => {
    registry = await startRegistry({ auth: 'basic' });
    front = await startFront(registry.port);
  });
  afterAll(async () => {
    await front?.close();
    await registry?.stop();
  });

  it('are followed, and the credentials stay behind when the host changes', async () => {
    const seen: (string | undefined)[] = [];
    const store = createServer((request, response) => {
      seen.push(request.headers.authorization, request.headers.range);
      response.writeHead(206, { 'content-range': 'bytes 2-4/5' }).end('llo');
    }).listen(0, '127.0.0.1');
    await once(store, 'listening');
    const address = store.address();
    const port = typeof address === 'object' ? address?.port : 0;
    front.disturb = ({ path, authorization }) => {
      if (!path.includes('/blobs/') || authorization === undefined) return undefined;
      return { answer: { status: 307, headers: { location: `http://127.0.0.1:${port}/blob?signature=1` } } };
    };
    const { image } = await pushTestImage(registry, 'moved:1');
    const target = { host: front.host, repository: 'moved', credentials: USER };
    const wanted = { digest: image.native.config.digest, size: 5 };
    const { offset, body } = await newClient().blob(target, wanted, { offset: 2 }, soon());
    let text = '';
    for await (const chunk of body) text += chunk.toString();
    expect([offset, text]).toEqual([2, 'llo']);
    expect(seen).toEqual([undefined, 'bytes=2-']);
    expect(front.requests.at(-1)?.authorization).toMatch(/^Basic /);
    store.closeAllConnections();
    store.close();
  });

  it('to plain HTTP elsewhere are refused', async () => {
    front.disturb = () => ({ answer: { status: 302, headers: { location: 'http://example.invalid/' } } });
    const error = await refusal(newClient().manifest({ host: front.host, repository: 'moved' }, '1', soon()));
    expect(error.detail).toContain('redirects to http://example.invalid, which is not https');
  });

  it('without end are given up', async () => {
    front.disturb = ({ path }) => ({ answer: { status: 302, headers: { location: path } } });
    const error = await refusal(newClient().manifest({ host: front.host, repository: 'moved' }, '1', soon()));
    expect(error).toMatchObject({ code: 'PROTOCOL', detail: 'redirects more than 10 times' });
  });
});

describe('TLS', () => {
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await startRegistry({ tls: true });
    await pushTestImage(registry, 'secure:1');
  });
  afterAll(() => registry.stop());
  const pull = (env: Record<string, string>) =>
    newClient({ env }).manifest({ host: registry.host, repository: 'secure' }, '1', soon());

  it('trusts the certificates of SSL_CERT_FILE and SSL_CERT_DIR', async () => {
    const file = registry.caFile ?? '';
    expect((await pull({ SSL_CERT_FILE: file })).bytes.length).toBeGreaterThan(0);
    await using scratch = makeScratch();
    copyFileSync(file, scratch.path('authority.pem'));
    expect((await pull({ SSL_CERT_DIR: scratch.directory })).bytes.length).toBeGreaterThan(0);
  });

  it('refuses an unknown certificate for good, and does not fall back to plain HTTP', async () => {
    const before = registry.requests().length;
    const error = await refusal(pull({}));
    expect(error).toMatchObject({ code: 'TLS', retryable: false });
    expect(error.detail).toContain('certificate not accepted');
    expect(registry.requests().length).toBe(before);
  });

  it('with certificates that cannot be read says so', async () => {
    const error = await refusal(pull({ SSL_CERT_FILE: '/nonexistent.pem' }));
    expect(error).toMatchObject({ code: 'TLS', retryable: false });
    expect(error.detail).toContain('/nonexistent.pem');
  });
});

describe('a digest', () => {
  let registry: TestRegistry;
  let front: RegistryFront;
  beforeAll(async () => {
    registry = await startRegistry();
    front = await startFront(registry.port);
    await pushTestImage(registry, 'digest:1');
  });
  afterEach(() => {
    front.requests.length = 0;
    front.disturb = () => undefined;
  });
  afterAll(async () => {
    await front?.close();
    await registry?.stop();
  });
  const digestOf = (tag: string) =>
    newClient().digestOf({ host: front.host, repository: 'digest' }, tag, soon());

  it('is asked for by HEAD alone', async () => {
    const { digest } = await pushTestImage(registry, 'digest:1');
    expect(await digestOf('1')).toBe(digest);
    expect(front.requests.map(({ method }) => method)).toEqual(['HEAD']);
  });

  it('is computed where the registry does not answer HEAD or does not name it', async () => {
    const { digest } = await pushTestImage(registry, 'digest:1');
    front.disturb = ({ method }) => (method === 'HEAD' ? { answer: { status: 405 } } : undefined);
    expect(await digestOf('1')).toBe(digest);
    front.disturb = ({ method }) => (method === 'HEAD' ? { answer: { status: 200 } } : undefined);
    expect(await digestOf('1')).toBe(digest);
  });

  it('of a missing tag fails with the words that only GET brings', async () => {
    const error = await refusal(digestOf('2'));
    expect(error).toMatchObject({ status: 404, code: 'MANIFEST_UNKNOWN', retryable: false });
    expect(error.detail).toBe('manifest unknown: manifest unknown');
  });
});

describe('what refers to a manifest', () => {
  let registry: TestRegistry;
  let front: RegistryFront;
  beforeAll(async () => {
    registry = await startRegistry();
    front = await startFront(registry.port);
  });
  afterEach(() => {
    front.requests.length = 0;
    front.disturb = () => undefined;
  });
  afterAll(async () => {
    await front?.close();
    await registry?.stop();
  });
  const DIGEST = `sha256:${'1'.repeat(64)}`;
  const TYPE = 'application/vnd.amazon.soci.index.v1+json';
  const referrers = () =>
    newClient().referrers({ host: front.host, repository: 'listed' }, DIGEST, TYPE, soon());

  it('is told by the API, which is asked for the type (CTD-87)', async () => {
    const body = '{"schemaVersion":2,"manifests":[]}';
    front.disturb = () => ({ answer: { status: 200, body } });
    expect(String(await referrers())).toBe(body);
    expect(front.requests.map(({ path }) => path)).toEqual([
      `/v2/listed/referrers/${DIGEST}?artifactType=application%2Fvnd.amazon.soci.index.v1%2Bjson`,
    ]);
  });

  it('is under a tag where the registry has no such API, and nothing where that is missing (CTD-87)', async () => {
    expect(await referrers()).toBeUndefined();
    const { image } = await pushTestImage(registry, `listed:${DIGEST.replace(':', '-')}`);
    expect(await referrers()).toEqual(image.top.bytes);
  });

  it('is not guessed where the registry refuses to tell', async () => {
    front.disturb = () => ({ answer: { status: 403 } });
    expect(await refusal(referrers())).toMatchObject({ status: 403 });
  });
});
