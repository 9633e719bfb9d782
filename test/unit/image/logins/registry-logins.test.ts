import { describe, expect, it } from 'vitest';
import { EcrTokens } from '../../../../src/image/logins/ecr-tokens.ts';
import { RegistryLogins, type RegistryLoginsOptions } from '../../../../src/image/logins/registry-logins.ts';
import type { RegistryAuth, TaskSpec } from '../../../../src/task/task-spec.ts';
import { containerSpec, taskSpec } from '../../task/task-story.ts';

const KEYS = { accessKeyId: 'AKID', secretAccessKey: 'key', sessionToken: 'token', roleArn: 'arn:role' };
const AGENT = { accessKeyId: 'AGENT', secretAccessKey: 'key' };
const ecr: RegistryAuth = {
  kind: 'ecr',
  registryId: '123456789012',
  region: 'eu-west-1',
  useExecutionRole: true,
};
const secret: RegistryAuth = {
  kind: 'secretsmanager',
  credentialsParameter: 'arn:secret',
  region: 'us-west-2',
};
const HOUR = 3_600_000;
const token = (text: string) => Buffer.from(text).toString('base64');

function logins(options: Partial<RegistryLoginsOptions> & { readonly secretText?: string } = {}) {
  const asked: unknown[] = [];
  const spec = taskSpec([containerSpec('app')], { executionCredentialsId: 'c-1' });
  const made = new RegistryLogins({
    services: {
      getEcrAuthorization: async (target, registryId) => {
        asked.push([target.region, target.credentials.accessKeyId, registryId, target.endpoint]);
        return [{ token: token(`AWS:${asked.length}`), expiresAt: 12 * HOUR }];
      },
      getSecretText: async () => options.secretText,
    },
    region: 'us-west-2',
    executionKeys: () => KEYS,
    agentKeys: async () => AGENT,
    configured: () => ({ username: 'static', password: 'p' }),
    tokens: new EcrTokens(
      () => 0,
      () => 0,
    ),
    ...options,
  });
  const of = (registryAuth: RegistryAuth | undefined, more: Partial<TaskSpec> = {}) =>
    made.of(
      { ...spec, ...more },
      { image: 'host/app:1', ...(registryAuth !== undefined && { registryAuth }) },
      { signal: new AbortController().signal },
    );
  return { of, asked };
}

describe('the login for a registry', () => {
  it('is that of the configuration where the payload says nothing', async () => {
    expect(await logins().of(undefined)).toEqual({ username: 'static', password: 'p' });
  });

  it('comes from ECR as the execution role or as the instance, at the endpoint that was named', async () => {
    const { of, asked } = logins();
    expect(await of(ecr)).toEqual({ username: 'AWS', password: '1' });
    expect(await of({ ...ecr, useExecutionRole: false, endpointOverride: 'vpce.example' })).toEqual({
      username: 'AWS',
      password: '2',
    });
    expect(asked).toEqual([
      ['eu-west-1', 'AKID', '123456789012', undefined],
      ['eu-west-1', 'AGENT', '123456789012', 'vpce.example'],
    ]);
  });

  it('is asked for once by those who come together, and kept for each role, region, registry and endpoint', async () => {
    const { of, asked } = logins();
    const [one, two] = await Promise.all([of(ecr), of(ecr)]);
    expect(one).toEqual(two);
    expect(await of(ecr)).toEqual(one);
    expect(asked.length).toBe(1);
    await of({ ...ecr, region: 'us-east-1' });
    await of({ ...ecr, registryId: '2' });
    await of(ecr, { executionCredentialsId: 'c-2' });
    expect(asked.length).toBe(4);
  });

  it('fails with the ECR error, which is not worth a retry, and the service’s words (ENG-21)', async () => {
    const refused = logins({
      services: {
        getEcrAuthorization: async () => {
          throw Object.assign(new Error('no ecr:GetAuthorizationToken'), { name: 'AccessDeniedException' });
        },
        getSecretText: async () => undefined,
      },
    });
    await expect(refused.of(ecr)).rejects.toMatchObject({
      code: 'CannotPullECRContainerError',
      retryable: false,
      message:
        'asking ECR in eu-west-1 for a login of registry 123456789012 to pull host/app:1: AccessDeniedException: no ecr:GetAuthorizationToken',
    });
  });

  it('fails for a task without the role that it needs, and waits for keys that are on their way (ENG-77)', async () => {
    const roleless = taskSpec([containerSpec('app')]);
    const { of } = logins({ executionKeys: () => undefined });
    await expect(of(ecr, roleless)).rejects.toMatchObject({ name: 'CredentialsNotHereError' });
    const made = new RegistryLogins({
      services: { getEcrAuthorization: async () => [], getSecretText: async () => undefined },
      region: 'r',
      executionKeys: () => undefined,
      agentKeys: async () => AGENT,
      configured: () => undefined,
    });
    const options = { signal: new AbortController().signal };
    await expect(made.of(roleless, { image: 'i', registryAuth: ecr }, options)).rejects.toMatchObject({
      code: 'CannotPullECRContainerError',
      message: expect.stringContaining('execution role are missing'),
    });
    await expect(made.of(roleless, { image: 'i', registryAuth: secret }, options)).rejects.toMatchObject({
      code: 'CannotPullContainerAuthError',
    });
  });

  it('comes from Secrets Manager', async () => {
    const { of } = logins({ secretText: '{"username":"u","password":"p"}' });
    expect(await of(secret)).toEqual({ username: 'u', password: 'p' });
  });

  it.each([
    [undefined, 'holds bytes'],
    [' ', 'the secret is empty'],
    ['hunter2', 'has another form'],
    ['{"username":"u"}', 'has another form'],
    ['{"username":"","password":"hunter2"}', 'the username in the secret is empty'],
    ['{"username":"hunter2","password":""}', 'the password in the secret is empty'],
  ])('needs a username and a password in the secret: %j (RES-32)', async (secretText, why) => {
    const { of } = logins(secretText === undefined ? {} : { secretText });
    const failure = await of(secret).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'CannotPullContainerAuthError',
      message: expect.stringContaining(why),
    });
    expect(String(failure)).not.toContain('hunter2');
  });
});

describe('a token of ECR', () => {
  const keep = (random: number) => {
    let now = 0;
    let asked = 0;
    const tokens = new EcrTokens(
      () => now,
      () => random,
    );
    const at = async (ms: number, lifeMs: number) => {
      now = ms;
      await tokens.get('key', async () => {
        asked += 1;
        return [{ token: token('AWS:x'), expiresAt: now + lifeMs }];
      });
      return asked;
    };
    return at;
  };

  it('is asked for anew 30 to 60 minutes before it ends (ENG-147)', async () => {
    const early = keep(1);
    expect(await early(0, 12 * HOUR)).toBe(1);
    expect(await early(11 * HOUR - 1, 12 * HOUR)).toBe(1);
    expect(await early(11 * HOUR, 12 * HOUR)).toBe(2);
    const late = keep(0);
    expect(await late(0, 12 * HOUR)).toBe(1);
    expect(await late(11.5 * HOUR - 1, 12 * HOUR)).toBe(1);
    expect(await late(11.5 * HOUR, 12 * HOUR)).toBe(2);
  });

  it('is kept for twelve hours at most (ENG-108)', async () => {
    const at = keep(0);
    expect(await at(0, 48 * HOUR)).toBe(1);
    expect(await at(12 * HOUR, 48 * HOUR)).toBe(2);
  });

  it('is refused unless there is exactly one, of the form user:password', async () => {
    const tokens = new EcrTokens();
    const one = { token: token('AWS:x') };
    await expect(tokens.get('k', async () => [])).rejects.toThrow('0 logins in place of one');
    await expect(tokens.get('k', async () => [one, one])).rejects.toThrow('2 logins in place of one');
    await expect(tokens.get('k', async () => [{ token: token('nonsense') }])).rejects.toThrow(
      'not user:password',
    );
  });
});
