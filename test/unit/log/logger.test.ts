import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/config/secret.ts';
import { toLogfmt } from '../../../src/log/logfmt.ts';
import { createAgentLog } from '../../../src/log/logger.ts';

const settings = {
  logLevel: 'info',
  logLevelOnInstance: 'info',
  logFormat: 'json',
  logFile: '',
  logRollover: 'size',
  logMaxFileSizeMb: 5,
  logMaxRollCount: 24,
} as const;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'log-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function logged(
  changes: Partial<Parameters<typeof createAgentLog>[0]>,
  write: (logger: Awaited<ReturnType<typeof createAgentLog>>['logger']) => void,
): Promise<string[]> {
  const lines: string[] = [];
  const output = { write: (line: string) => lines.push(line), end: async () => undefined };
  const log = await createAgentLog({ ...settings, ...changes }, output);
  write(log.logger);
  await log.close();
  return lines;
}

describe('the log', () => {
  it('is logfmt: level, time in UTC, message, fields', async () => {
    const [line] = await logged({ logFormat: 'logfmt' }, (logger) =>
      logger.child({ taskId: 'abc' }).warn({ container: 'a b', ms: 3, nested: { x: 1 } }, 'said "no"'),
    );
    expect(line).toMatch(
      /^level=warn time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z msg="said \\"no\\"" taskId=abc container="a b" ms=3 nested\.x=1\n$/,
    );
  });

  it('is JSON when asked for', async () => {
    const [line] = await logged({ logFormat: 'json' }, (logger) => logger.info({ ms: 3 }, 'done'));
    expect(JSON.parse(line ?? '')).toMatchObject({ level: 'info', msg: 'done', ms: 3 });
  });

  it('tells errors that hold bytes, addresses or themselves, and hides their secrets too', async () => {
    const cause = Object.assign(new Error('cause'), { url: new URL('http://x/'), token: 'SECRET' });
    const error = Object.assign(new Error('no HTTP', { cause }), {
      rawPacket: Buffer.from('SSH-2.0'),
      parts: [new Uint8Array(3), { password: 'SECRET' }],
      at: new Date(0),
    });
    Object.assign(error, { self: error });
    const [first, second] = await logged({}, (logger) => {
      logger.warn({ err: error }, 'failed');
      logger.warn({ other: { error, address: new URL('http://y/') }, err: 'text' }, 'failed');
    });
    expect(JSON.parse(first ?? '')).toMatchObject({
      err: {
        message: 'no HTTP: cause',
        rawPacket: '[7 bytes]',
        parts: ['[3 bytes]', { password: '[redacted]' }],
        at: '1970-01-01T00:00:00.000Z',
      },
    });
    expect(JSON.parse(second ?? '')).toMatchObject({
      err: 'text',
      other: { error: { rawPacket: '[7 bytes]' }, address: 'http://y/' },
    });
    expect(first).not.toContain('SECRET');
  });

  it.each([
    ['debug', 5],
    ['info', 4],
    ['warn', 3],
    ['error', 2],
    ['crit', 1],
    ['none', 0],
  ] as const)('shows at level %s %i of five', async (logLevel, count) => {
    const lines = await logged({ logLevel }, (logger) => {
      logger.debug('d');
      logger.info('i');
      logger.warn('w');
      logger.error('e');
      logger.fatal('f');
    });
    expect(lines).toHaveLength(count);
    if (count > 0) expect(lines.at(-1)).toContain('"level":"crit"');
  });

  it('never shows secrets, by name or by type (CFG-47)', async () => {
    const lines = await logged({ logLevel: 'debug' }, (logger) => {
      const secret = 'hunter2';
      logger.info({ password: secret, credentials: { secretAccessKey: secret } }, 'a');
      logger.info({ request: { headers: { authorization: secret, 'x-amz-security-token': secret } } }, 'b');
      logger.child({ sessionToken: secret }).info({ config: { engineAuthData: new Secret(secret) } }, 'c');
      logger.info({ data: new Secret(secret), env: { ECS_ENGINE_AUTH_DATA: secret } }, 'd');
    });
    expect(lines).toHaveLength(4);
    expect(lines.join()).not.toContain('hunter2');
  });

  it('has a file with a level of its own', async () => {
    const logFile = join(directory, 'agent.log');
    const lines = await logged({ logFile, logLevelOnInstance: 'debug' }, (logger) => {
      logger.debug('file only');
      logger.info('both');
    });
    expect(lines).toHaveLength(1);
    expect((await readFile(logFile, 'utf8')).trim().split('\n')).toHaveLength(2);
  });

  it('rotates the file by size and keeps so many', async () => {
    const logFile = join(directory, 'agent.log');
    await logged({ logFile, logMaxFileSizeMb: 0.001, logMaxRollCount: 2, logLevel: 'none' }, (logger) => {
      for (let n = 0; n < 100; n++) logger.info({ n }, 'a line of some length to fill the file with');
    });
    expect((await readdir(directory)).sort()).toEqual(['agent.log', 'agent.log.1', 'agent.log.2']);
  });

  it('does not rotate when told so', async () => {
    const logFile = join(directory, 'agent.log');
    await logged({ logFile, logRollover: 'none', logMaxFileSizeMb: 0.001 }, (logger) => {
      for (let n = 0; n < 100; n++) logger.info({ n }, 'a line of some length to fill the file with');
    });
    expect(await readdir(directory)).toEqual(['agent.log']);
  });

  it('goes on without a file that cannot be written, and says so once', async () => {
    await writeFile(join(directory, 'file'), '');
    const logFile = join(directory, 'file', 'agent.log');
    const lines = await logged({ logFile }, (logger) => logger.info('still here'));
    expect(lines.join('')).toContain('still here');
    expect(lines.filter((line) => line.includes('cannot write the log file'))).toHaveLength(1);
  });
});

describe('logfmt', () => {
  it.each([
    ['{"level":"info","time":"t","msg":"m","a":true}', 'level=info time=t msg="m" a=true\n'],
    ['{"level":"info","time":"t","msg":"m","a":"x=y"}', 'level=info time=t msg="m" a="x=y"\n'],
    ['{"level":"info","time":"t","msg":"m","a":["b",1]}', 'level=info time=t msg="m" a="[\\"b\\",1]"\n'],
    ['{"level":"info","time":"t","msg":"m","a":null}', 'level=info time=t msg="m" a=null\n'],
    ['{"level":"info","time":"t","msg":"m","a":""}', 'level=info time=t msg="m" a=""\n'],
    ['{"level":"info","time":"t"}', 'level=info time=t msg=""\n'],
    ['not json\n', 'not json\n'],
  ])('of %s', (json, line) => {
    expect(toLogfmt(json)).toBe(line);
  });
});
