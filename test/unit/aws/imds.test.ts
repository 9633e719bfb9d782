import { describe, expect, it } from 'vitest';
import {
  createInstanceMetadata,
  Imds,
  MetadataUnavailableError,
  noInstanceMetadata,
} from '../../../src/aws/imds.ts';
import { AnsweringServer, byPath } from './answering-server.ts';

const TOKEN = '/latest/api/token';
const ID = '/latest/meta-data/instance-id';

function patient(endpoint: string, waits: number[] = []) {
  return new Imds({ endpoint, wait: async (ms) => void waits.push(ms) });
}

describe('instance metadata', () => {
  it('is asked with a session token, which is kept', async () => {
    await using server = await AnsweringServer.start(byPath({ [TOKEN]: 't0ken', [ID]: 'i-1' }));
    const imds = patient(server.url);
    expect(await imds.get(ID)).toBe('i-1');
    expect(await imds.get('/latest/user-data')).toBeUndefined();
    expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `PUT ${TOKEN}`,
      `GET ${ID}`,
      'GET /latest/user-data',
    ]);
    expect(server.seen[0]?.headers['x-aws-ec2-metadata-token-ttl-seconds']).toBe('21600');
    expect(server.seen[1]?.headers['x-aws-ec2-metadata-token']).toBe('t0ken');
  });

  it('gets a new token before the old one ends', async () => {
    await using server = await AnsweringServer.start(byPath({ [TOKEN]: 't', [ID]: 'i-1' }));
    let now = 0;
    const imds = new Imds({ endpoint: server.url, now: () => now });
    await imds.get(ID);
    now = (21_600 - 30) * 1_000;
    await imds.get(ID);
    expect(server.seen.filter(({ path }) => path === TOKEN)).toHaveLength(2);
  });

  it('gets a new token when the old one is refused', async () => {
    let tokens = 0;
    await using server = await AnsweringServer.start(({ path, headers }, _count, response) => {
      if (path === TOKEN) response.end(`t${++tokens}`);
      else response.writeHead(headers['x-aws-ec2-metadata-token'] === 't2' ? 200 : 401).end('i-1');
    });
    expect(await patient(server.url).get(ID)).toBe('i-1');
  });

  it('is tried five times, 1 s growing ×1.3 with jitter 0.2 apart', async () => {
    await using server = await AnsweringServer.start((_request, _count, response) => {
      response.writeHead(500).end();
    });
    const waits: number[] = [];
    const failure = await patient(server.url, waits)
      .get(ID)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MetadataUnavailableError);
    expect(failure).toMatchObject({ reachable: true });
    expect(server.seen).toHaveLength(5);
    expect(waits).toHaveLength(4);
    waits.forEach((ms, n) => {
      expect(ms).toBeGreaterThanOrEqual(1_000 * 1.3 ** n - 1e-6);
      expect(ms).toBeLessThan(1_200 * 1.3 ** n);
    });
  });

  it('tells an absent service from one that answers errors', async () => {
    const server = await AnsweringServer.start(() => undefined);
    const { url } = server;
    await server[Symbol.asyncDispose]();
    await expect(patient(url).get(ID)).rejects.toMatchObject({ reachable: false });
  });

  it('ends a look-up that is aborted', async () => {
    await using server = await AnsweringServer.start(() => undefined);
    const controller = new AbortController();
    const look = patient(server.url).get(ID, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(look).rejects.toThrow('enough');
  });

  it.each([
    [{ AWS_EC2_METADATA_DISABLED: 'true', AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1' }, false],
    [{ AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1' }, true],
  ])('can be switched off and then answers at once', async (env, disabled) => {
    const imds = createInstanceMetadata(env, disabled);
    expect(imds).toBe(noInstanceMetadata);
    await expect(imds.get(ID)).rejects.toMatchObject({ name: 'MetadataUnavailableError', reachable: false });
  });

  it('is asked where AWS_EC2_METADATA_SERVICE_ENDPOINT says', async () => {
    await using server = await AnsweringServer.start(byPath({ [TOKEN]: 't', [ID]: 'i-1' }));
    const imds = createInstanceMetadata({ AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url }, false);
    expect(await imds.get(ID)).toBe('i-1');
  });
});
