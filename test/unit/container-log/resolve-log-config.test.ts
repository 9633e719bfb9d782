import { describe, expect, test } from 'vitest';
import type { LogRequest } from '../../../src/container-log/container-logs.ts';
import { WORKING_LOG_DRIVERS } from '../../../src/container-log/log-config.ts';
import { resolveLogConfig } from '../../../src/container-log/resolve-log-config.ts';
import { TaskError } from '../../../src/task/errors.ts';
import { containerIdOf, taskArn } from '../../../src/task/ids.ts';

const ARN = taskArn('arn:aws:ecs:us-west-2:123456789012:task/default/0123456789abcdef0123456789abcdef');

async function resolve(changes: Partial<LogRequest>) {
  return await resolveLogConfig(
    {
      id: containerIdOf(ARN, 'web', 0),
      name: 'ecs-web-3-web-0011223344',
      taskArn: ARN,
      driver: 'json-file',
      options: {},
      imageName: 'nginx:1',
      imageId: 'sha256:00112233445566778899aabbccddeeff',
      command: ['nginx', '-g', 'daemon off;'],
      labels: { team: 'a', tier: 'front', both: 'label' },
      environment: { STAGE: 'prod', SECRET: 'x', both: 'variable' },
      createdAt: 1_767_225_600_000,
      ...changes,
    },
    '/data/x-json.log',
  );
}

async function failure(changes: Partial<LogRequest>): Promise<string> {
  try {
    await resolve(changes);
  } catch (error) {
    if (error instanceof TaskError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no error';
}

describe('driver', () => {
  test('is json-file without limits when none is named (LOG-17)', async () => {
    expect(await resolve({ driver: '' })).toMatchObject({
      driver: 'json-file',
      options: {},
      mode: 'blocking',
    });
  });

  test('keeps nothing, whatever the options, with none', async () => {
    expect(await resolve({ driver: 'none', options: { nonsense: '1' } })).toBeUndefined();
  });

  test('that is unknown is refused with those that work', async () => {
    expect(await failure({ driver: 'awsfirelens' })).toBe(
      `CannotCreateContainerError: logger: no log driver named 'awsfirelens' is registered; this agent has ${WORKING_LOG_DRIVERS.join(', ')}`,
    );
  });

  test('refuses an option that it does not know (LOG-23, LOG-102)', async () => {
    expect(await failure({ options: { 'max-sizes': '1m' } })).toBe(
      "CannotCreateContainerError: unknown log opt 'max-sizes' for json-file log driver",
    );
    expect(await failure({ options: { 'awslogs-stream-prefix': 'x' } })).toContain('unknown log opt');
  });
});

describe('mode and buffer', () => {
  test('refuses other modes (LOG-24)', async () => {
    expect(await failure({ options: { mode: 'x' } })).toBe(
      'CannotCreateContainerError: logger: logging mode not supported: x',
    );
  });

  test('refuses a buffer size with blocking (LOG-25)', async () => {
    const expected =
      "CannotCreateContainerError: logger: max-buffer-size option is only supported with 'mode=non-blocking'";
    expect(await failure({ options: { 'max-buffer-size': '1m' } })).toBe(expected);
    expect(await failure({ options: { 'max-buffer-size': '1m', mode: 'blocking' } })).toBe(expected);
  });

  test('refuses a buffer size that is none', async () => {
    expect(await failure({ options: { 'max-buffer-size': 'big', mode: 'non-blocking' } })).toBe(
      "CannotCreateContainerError: error parsing option max-buffer-size: invalid size: 'big'",
    );
  });

  test('gives non-blocking 10m unless told otherwise, and takes both options off (LOG-20, LOG-98, LOG-34)', async () => {
    expect(await resolve({ options: { mode: 'non-blocking' } })).toMatchObject({
      mode: 'non-blocking',
      bufferBytes: 10_485_760,
      options: {},
    });
    expect(await resolve({ options: { mode: 'non-blocking', 'max-buffer-size': '1m' } })).toMatchObject({
      bufferBytes: 1_048_576,
      options: {},
    });
  });

  test('lets a blocking container have 64 MiB waiting (LOG-99)', async () => {
    expect(await resolve({ options: { mode: '' } })).toMatchObject({
      mode: 'blocking',
      bufferBytes: 64 * 1024 * 1024,
    });
  });
});

describe('attributes', () => {
  test.each([
    [{ labels: 'team,missing' }, { team: 'a' }],
    [{ 'labels-regex': '^t' }, { team: 'a', tier: 'front' }],
    [{ env: 'STAGE' }, { STAGE: 'prod' }],
    [{ 'env-regex': '(?i)^stage$' }, { STAGE: 'prod' }],
    [
      { 'labels-regex': '^(?P<x>te)am$', env: 'STAGE' },
      { team: 'a', STAGE: 'prod' },
    ],
    [{}, {}],
  ])('are chosen by %j (LOG-37)', async (options, expected) => {
    expect((await resolve({ options: { ...options } as Record<string, string> }))?.attributes).toEqual(
      expected,
    );
  });

  test('of a variable override those of a label of its name (LOG-111)', async () => {
    expect((await resolve({ options: { labels: 'both', env: 'both' } }))?.attributes).toEqual({
      both: 'variable',
    });
  });

  test.each(['(?=x)', '(?<!x)', '(a)\\1', '[[:alpha:]]', '('])(
    'refuse the expression %s',
    async (pattern) => {
      expect(await failure({ options: { 'env-regex': pattern } })).toMatch(
        /^CannotStartContainerError: failed to initialize logging driver: error parsing regexp/,
      );
    },
  );

  test('keep everything that was not chosen out of the configuration', async () => {
    const config = JSON.stringify(await resolve({ options: { env: 'STAGE' } }));
    expect(config).not.toContain('SECRET');
    expect(config).not.toContain('front');
  });
});

describe('tag', () => {
  test('is rendered', async () => {
    expect((await resolve({ options: { tag: '{{.Name}}/{{.ID}}' } }))?.tag).toBe(
      `ecs-web-3-web-0011223344/${containerIdOf(ARN, 'web', 0).slice(0, 12)}`,
    );
    expect((await resolve({ options: { tag: '' } }))?.tag).toBeUndefined();
    expect((await resolve({}))?.tag).toBeUndefined();
  });

  test('that is not understood is a set-up error that names it (LOG-110, LOG-26, LOG-103)', async () => {
    expect(await failure({ options: { tag: '{{.Nme}}' } })).toBe(
      'CannotStartContainerError: failed to initialize logging driver: tag "{{.Nme}}" is not understood: there is no field .Nme',
    );
  });
});

describe('secret options', () => {
  const splunk = { driver: 'splunk', options: { 'splunk-url': 'https://s', 'splunk-token': 'plain' } };

  test('take the place of others, are checked, and are in the configuration by name only (LOG-21, RES-30)', async () => {
    const config = await resolve({ ...splunk, secretOptions: { 'splunk-token': 'hush' } });
    expect(config).toMatchObject({ options: { 'splunk-url': 'https://s' }, secretOptions: ['splunk-token'] });
    expect(JSON.stringify(config)).not.toMatch(/hush|plain/);
    expect(await failure({ ...splunk, secretOptions: { 'splunk-tokens': 'hush' } })).toBe(
      "CannotCreateContainerError: unknown log opt 'splunk-tokens' for splunk log driver",
    );
  });

  test('that are wrong are refused without their values', async () => {
    const refusal = await failure({ driver: 'syslog', secretOptions: { 'syslog-address': 'hush://there' } });
    expect(refusal).toMatch(/^CannotCreateContainerError: .*\*\*\*/);
    expect(refusal).not.toContain('hush');
  });

  test('cannot be those that show in the configuration', async () => {
    for (const name of ['mode', 'max-buffer-size', 'tag'])
      expect(await failure({ ...splunk, secretOptions: { [name]: 'x' } })).toContain(
        `'${name}' cannot be a secret`,
      );
  });

  test('are not what a tag can show', async () => {
    const tag = '{{index .Config "splunk-token"}}{{.Config.x}}-end';
    const config = await resolve({
      ...splunk,
      options: { ...splunk.options, tag: 'T' },
      secretOptions: { 'splunk-token': 'hush' },
    });
    expect(config?.tag).toBe('T');
    const shown = await resolve({
      driver: 'splunk',
      options: { 'splunk-url': 'https://s', tag },
      secretOptions: { 'splunk-token': 'hush' },
    }).catch((error: unknown) => error);
    expect(String(shown) + JSON.stringify(shown)).not.toContain('hush');
  });
});
