import { describe, expect, it } from 'vitest';
import {
  agentCredentialSources,
  containerCredentials,
  instanceRoleCredentials,
} from '../../../src/aws/credential-sources.ts';
import type { AwsCredentials } from '../../../src/aws/credentials.ts';
import { CredentialsCache } from '../../../src/aws/credentials-cache.ts';
import { type InstanceMetadata, noInstanceMetadata } from '../../../src/aws/imds.ts';
import { AnsweringServer } from './answering-server.ts';

const keys = (name: string) =>
  `[default]\naws_access_key_id = AK${name}\naws_secret_access_key=SK${name}\naws_session_token = T${name}\n`;

function metadata(texts: Record<string, string>): InstanceMetadata {
  return { get: async (path) => texts[path] };
}

const roleMetadata = metadata({
  '/latest/meta-data/iam/security-credentials/': 'ecsInstanceRole',
  '/latest/meta-data/iam/security-credentials/ecsInstanceRole': JSON.stringify({
    Code: 'Success',
    AccessKeyId: 'AKrole',
    SecretAccessKey: 'SKrole',
    Token: 'Trole',
    Expiration: '2026-01-01T06:00:00Z',
  }),
});

interface Places {
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
  readonly imds?: InstanceMetadata;
  readonly external?: boolean;
  readonly profile?: string;
}

function chain(places: Places): CredentialsCache {
  return new CredentialsCache(
    agentCredentialSources({
      external: places.external ?? false,
      profile: places.profile ?? 'default',
      env: places.env ?? {},
      readFile: async (path) => places.files?.[path],
      imds: places.imds ?? noInstanceMetadata,
    }),
    () => Date.parse('2026-01-01T00:00:00Z'),
  );
}

const environment = { AWS_ACCESS_KEY_ID: 'AKenv', AWS_SECRET_ACCESS_KEY: 'SKenv' };
const shared = { '/root/.aws/credentials': keys('shared') };
const rotating = { '/rotatingcreds/credentials': keys('rotating') };

describe('places of credentials', () => {
  it.each<[string, Places, string]>([
    ['environment first', { env: environment, files: shared, imds: roleMetadata }, 'AKenv'],
    ['then the shared file', { files: { ...shared, ...rotating }, imds: roleMetadata }, 'AKshared'],
    ['then the instance role', { files: rotating, imds: roleMetadata }, 'AKrole'],
    ['then the rotating file', { files: rotating }, 'AKrotating'],
    ['elsewhere: environment first', { external: true, env: environment, files: rotating }, 'AKenv'],
    [
      'elsewhere: then the rotating file',
      { external: true, files: { ...shared, ...rotating }, env: {} },
      'AKrotating',
    ],
    [
      'elsewhere: then the shared file',
      { external: true, env: { AWS_SHARED_CREDENTIALS_FILE: '/c' }, files: { '/c': keys('c') } },
      'AKc',
    ],
  ])('are asked in order: %s', async (_name, places, id) => {
    expect((await chain(places).get()).accessKeyId).toBe(id);
  });

  it('take a profile of the config file', async () => {
    const text = '[default]\nregion=x\n[profile dev]\naws_access_key_id=AKdev\naws_secret_access_key=SK\n';
    const credentials = await chain({
      env: { AWS_PROFILE: 'dev', HOME: '/h' },
      files: { '/h/.aws/config': text },
    }).get();
    expect(credentials).toEqual({ accessKeyId: 'AKdev', secretAccessKey: 'SK' });
  });

  it('take the profile that is configured from the rotating file', async () => {
    const text = `${keys('other')}[mine]\naws_access_key_id=AKmine\naws_secret_access_key=SK\n`;
    const credentials = await chain({
      external: true,
      profile: 'mine',
      files: { '/rotatingcreds/credentials': text },
    }).get();
    expect(credentials.accessKeyId).toBe('AKmine');
  });

  it('say what each answered when there are none, without any key', async () => {
    const failure = await chain({
      env: { AWS_ACCESS_KEY_ID: 'AKonly', AWS_PROFILE: 'sso' },
      files: { '/root/.aws/config': '[profile sso]\nsso_session = x\n' },
    })
      .get()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'NoCredentialsError' });
    const text = String(failure);
    for (const part of ['must be set together', 'uses sso_session', 'EC2 instance role: not set'])
      expect(text).toContain(part);
    expect(text).not.toContain('AKonly');
  });

  it('take the instance role with its end', async () => {
    const credentials = await instanceRoleCredentials(roleMetadata).load(AbortSignal.timeout(5_000));
    expect(credentials).toEqual({
      accessKeyId: 'AKrole',
      secretAccessKey: 'SKrole',
      sessionToken: 'Trole',
      expiresAt: Date.parse('2026-01-01T06:00:00Z'),
    });
  });

  it('ask the credentials service of a container with its token', async () => {
    await using server = await AnsweringServer.start((request, _count, response) => {
      const good = request.headers.authorization === 'secret' && request.path === '/creds?x=1';
      response.writeHead(good ? 200 : 403).end('{"AccessKeyId":"AKc","SecretAccessKey":"SKc","Token":"Tc"}');
    });
    const env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/creds?x=1`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/token',
    };
    const source = containerCredentials(env, async (path) => (path === '/token' ? 'secret\n' : undefined));
    expect(await source.load(AbortSignal.timeout(5_000))).toMatchObject({ accessKeyId: 'AKc' });
  });

  it('do not ask a plain http credentials service elsewhere', async () => {
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://192.0.2.1/creds' };
    const source = containerCredentials(env, async () => undefined);
    await expect(source.load(AbortSignal.timeout(5_000))).rejects.toThrow('neither https');
  });
});

describe('kept credentials', () => {
  function cacheOf(load: (count: number) => Promise<AwsCredentials>, now: () => number) {
    let count = 0;
    const cache = new CredentialsCache([{ name: 'test', load: () => load(++count) }], now);
    return { cache, loads: () => count };
  }
  const numbered = (n: number, expiresAt?: number): AwsCredentials => ({
    accessKeyId: `AK${n}`,
    secretAccessKey: 'SK',
    ...(expiresAt !== undefined && { expiresAt }),
  });

  it('are read once for all callers that come together', async () => {
    const gate = Promise.withResolvers<void>();
    const { cache, loads } = cacheOf(
      async (n) => {
        await gate.promise;
        return numbered(n);
      },
      () => 0,
    );
    const all = Promise.all([cache.get(), cache.get(), cache.get()]);
    gate.resolve();
    expect((await all).map(({ accessKeyId }) => accessKeyId)).toEqual(['AK1', 'AK1', 'AK1']);
    expect(loads()).toBe(1);
  });

  it('do not fail for all when one caller gives up', async () => {
    const gate = Promise.withResolvers<void>();
    const { cache } = cacheOf(
      async (n) => {
        await gate.promise;
        return numbered(n);
      },
      () => 0,
    );
    const controller = new AbortController();
    const given = cache.get({ signal: controller.signal });
    const kept = cache.get();
    controller.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    gate.resolve();
    expect((await kept).accessKeyId).toBe('AK1');
  });

  it('are read anew five minutes before they end', async () => {
    let now = 0;
    const hour = 3_600_000;
    const { cache } = cacheOf(
      async (n) => numbered(n, now + hour),
      () => now,
    );
    await cache.get();
    now = hour - 301_000;
    expect((await cache.get()).accessKeyId).toBe('AK1');
    now = hour - 299_000;
    expect((await cache.get()).accessKeyId).toBe('AK2');
  });

  it('serve until they end when no others can be had', async () => {
    let now = 0;
    const { cache } = cacheOf(
      async (n) => {
        if (n > 1) throw new Error('no answer');
        return numbered(n, 3_600_000);
      },
      () => now,
    );
    await cache.get();
    now = 3_599_000;
    expect((await cache.get()).accessKeyId).toBe('AK1');
    now = 3_600_000;
    await expect(cache.get()).rejects.toThrow('no answer');
  });

  it('are read anew once called invalid', async () => {
    const { cache } = cacheOf(
      async (n) => numbered(n),
      () => 0,
    );
    await cache.get();
    cache.invalidate();
    expect((await cache.get()).accessKeyId).toBe('AK2');
  });

  it('of the rotating file are read again within a minute (ECS-57)', async () => {
    let now = 0;
    const files = { ...rotating };
    const sources = agentCredentialSources({
      external: true,
      profile: 'default',
      env: {},
      readFile: async (path) => (path in files ? files['/rotatingcreds/credentials'] : undefined),
      imds: noInstanceMetadata,
      now: () => now,
    });
    const cache = new CredentialsCache(sources, () => now);
    expect((await cache.get()).accessKeyId).toBe('AKrotating');
    files['/rotatingcreds/credentials'] = keys('new');
    now = 30_000;
    expect((await cache.get()).accessKeyId).toBe('AKrotating');
    now = 60_000;
    expect((await cache.get()).accessKeyId).toBe('AKnew');
  });

  it('of an ECS Anywhere host do not come from the metadata service', async () => {
    await expect(chain({ external: true, imds: noInstanceMetadata }).get()).rejects.toThrow(
      'EC2 instance role: not set',
    );
  });
});
