import { describe, expect, it } from 'vitest';
import { MemorySecrets } from '../../../../src/resource/secrets/memory-secrets.ts';
import type { SecretServices } from '../../../../src/resource/secrets/secret-services.ts';
import { taskArn } from '../../../../src/task/ids.ts';
import type { SecretReference } from '../../../../src/task/secrets.ts';
import type { ContainerSpec, TaskSpec } from '../../../../src/task/task-spec.ts';
import { containerSpec, taskSpec } from '../../task/task-story.ts';

const KEYS = { accessKeyId: 'AKID', secretAccessKey: 'key', sessionToken: 'token' };
const ARN = 'arn:aws:secretsmanager:us-west-2:123456789012:secret:db-AbCdEf';

interface Calls {
  readonly parameters: { region: string; names: readonly string[] }[];
  readonly secrets: string[];
}

/** Services that know everything but what is called `missing`. */
function services(calls: Calls): SecretServices {
  return {
    getParameters: async ({ region }, names) => {
      calls.parameters.push({ region, names });
      const known = names.filter((name) => !name.includes('missing'));
      return {
        values: new Map(known.map((name) => [name, `value of ${name}`])),
        invalid: names.filter((name) => name.includes('missing')),
      };
    },
    getSecretText: async (_, { secretId, versionId }) => {
      calls.secrets.push(secretId);
      if (secretId.includes('missing'))
        throw Object.assign(new Error('not found'), { name: 'ResourceNotFoundException' });
      if (secretId.includes('bytes')) return undefined;
      return secretId.includes('json') ? '{"user":"u","port":5432}' : `whole ${versionId ?? ''}`;
    },
    getObjectText: async (_, { key }) => {
      if (key === 'missing') throw Object.assign(new Error('no such key'), { name: 'NoSuchKey' });
      return `FROM=${key}\nTOKEN=file`;
    },
  };
}

const ssm = (name: string, valueFrom: string, region = 'us-west-2'): SecretReference => ({
  name,
  valueFrom,
  region,
  store: 'ssm',
  use: 'environment',
});
const asm = (name: string, valueFrom: string): SecretReference => ({
  ...ssm(name, valueFrom),
  store: 'secretsmanager',
});

async function fetched(container: Partial<ContainerSpec>) {
  const calls: Calls = { parameters: [], secrets: [] };
  const secrets = new MemorySecrets({
    services: services(calls),
    region: 'us-west-2',
    executionKeys: () => KEYS,
  });
  const whole = taskSpec([containerSpec('app', container)], { executionCredentialsId: 'c-1' });
  await secrets.fetch(whole, { signal: new AbortController().signal });
  return { calls, secrets, values: secrets.of(whole.arn, 'app'), arn: whole.arn };
}

describe('secrets of a task', () => {
  it('are fetched from SSM by tens and by region (RES-22)', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `/p${i}`);
    const { calls, values } = await fetched({
      secrets: [...names.map((name) => ssm(`V${name}`, name)), ssm('FAR', '/p0', 'eu-west-1')],
    });
    expect(calls.parameters.map(({ region, names: asked }) => [region, asked.length])).toEqual([
      ['us-west-2', 10],
      ['us-west-2', 2],
      ['eu-west-1', 1],
    ]);
    expect(values.secrets).toMatchObject({ 'V/p11': 'value of /p11', FAR: 'value of /p0' });
  });

  it('name the parameters that do not exist, with commas, and the region (RES-23, RES-24)', async () => {
    const secrets = [ssm('A', '/missing/a'), ssm('B', '/b'), ssm('C', '/missing/c')];
    await expect(fetched({ secrets })).rejects.toMatchObject({
      code: 'TaskResourceError',
      message: expect.stringMatching(/us-west-2: there are no such parameters: \/missing\/a,\/missing\/c;/),
    });
  });

  it('are asked for once, and cut out of JSON by their key (RES-25)', async () => {
    const { calls, values } = await fetched({
      secrets: [
        asm('USER', `${ARN}-json:user::`),
        asm('AGAIN', `${ARN}-json:user::`),
        asm('PORT', `${ARN}-json:port::`),
        asm('OLD', `${ARN}:::v1`),
      ],
    });
    expect(calls.secrets.length).toBe(3);
    expect(values.secrets).toEqual({ USER: 'u', AGAIN: 'u', PORT: '5432', OLD: 'whole v1' });
  });

  it('say which key a secret does not have, and never what it has (RES-27)', async () => {
    const failure = await fetched({
      secrets: [asm('X', `${ARN}-json:nobody::`), asm('Y', `${ARN}:key::`)],
    }).catch((error: Error) => error.message);
    expect(failure).toContain("the secret's JSON has no key nobody");
    expect(failure).toContain('the key key is asked for, and the secret is not a JSON object');
    expect(failure).not.toMatch(/5432|whole/);
  });

  it('begin their reason with ResourceNotFoundException where there is no secret, and quote its ARN (RES-28, RES-103)', async () => {
    await expect(fetched({ secrets: [asm('X', `${ARN}-missing`)] })).rejects.toThrow(
      `ResourceNotFoundException: check that the secret "${ARN}-missing" exists in us-west-2: ResourceNotFoundException: not found`,
    );
  });

  it('join the reasons of environment files (RES-20)', async () => {
    const environmentFiles = ['arn:aws:s3:::b/missing', 'arn:aws:s3:::b/app.env', 'not-an-arn'];
    await expect(fetched({ environmentFiles })).rejects.toThrow(
      /^downloading the environment file missing from bucket b: NoSuchKey: no such key;the environment file not-an-arn is not an ARN/,
    );
  });

  it('keep files, secrets and options of the log driver apart', async () => {
    const { values } = await fetched({
      environmentFiles: ['arn:aws:s3:::b/one', 'arn:aws:s3:::b/two'],
      secrets: [ssm('TOKEN', '/t'), { ...ssm('splunk-token', '/s'), use: 'logDriver' }],
    });
    expect(values).toEqual({
      files: { FROM: 'one', TOKEN: 'file' },
      secrets: { TOKEN: 'value of /t' },
      logOptions: { 'splunk-token': 'value of /s' },
    });
  });

  it('need an execution role', async () => {
    const secrets = new MemorySecrets({
      services: services({ parameters: [], secrets: [] }),
      region: 'us-west-2',
      executionKeys: () => undefined,
    });
    const spec = (more: Partial<TaskSpec>) =>
      taskSpec([containerSpec('app', { secrets: [ssm('A', '/a')] })], more);
    const options = { signal: new AbortController().signal };
    await expect(secrets.fetch(spec({}), options)).rejects.toThrow(
      'give the task definition an executionRoleArn',
    );
    await expect(secrets.fetch(spec({ executionCredentialsId: 'c' }), options)).rejects.toMatchObject({
      name: 'CredentialsNotHereError',
    });
  });

  it('are gone once forgotten', async () => {
    const { secrets, arn } = await fetched({ secrets: [ssm('A', '/a')] });
    secrets.forget(arn);
    expect(() => secrets.of(arn, 'app')).toThrow('nothing has been fetched');
    expect(() => secrets.of(taskArn(`${arn}x`), 'app')).toThrow('nothing has been fetched');
  });
});
