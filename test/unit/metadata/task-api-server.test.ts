import { createServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndpointScope } from '../../../src/metadata/task-api/endpoint-tasks.ts';
import { cleanPath } from '../../../src/metadata/task-api/routes.ts';
import { LISTENER_PORT } from '../../../src/network/endpoint/endpoint-address.ts';
import { taskIdOf } from '../../../src/task/ids.ts';
import { freePort } from '../../support/free-port.ts';
import { until } from '../../support/until.ts';
import { sampleContainerState, sampleTask } from '../store/sample-task.ts';
import { roleCredentials, TaskApiWorld } from './task-api-world.ts';

const HOST: EndpointScope = { kind: 'host' };
const sample = sampleTask('one');
const TASK = {
  ...sample,
  spec: { ...sample.spec, networkMode: 'bridge', taskCredentialsId: 'id-1' } as const,
  containers: [{ ...sampleContainerState('app'), createdAt: 1 }],
};
const TASK_SCOPE: EndpointScope = { kind: 'task', taskId: taskIdOf(TASK.spec.arn) };

/** Of a container, its task, and the statistics of both. */
const statusesOfUnknown = async (api: TaskApiWorld, version: string) =>
  await Promise.all(
    ['', '/task', '/stats', '/task/stats'].map(
      async (path) => (await api.request(TASK_SCOPE, `/${version}/unknown${path}`)).status,
    ),
  );

describe('paths', () => {
  it('that are not clean lead to the clean one (TMDS-2)', async () => {
    await using api = new TaskApiWorld({ tasks: [] });
    const reply = await api.request(HOST, '//v3//x/task?a=b');
    expect([reply.status, reply.headers.location]).toEqual([301, '/v3/x/task?a=b']);
  });

  it('that are not clean lead to a clean one that a header can hold', async () => {
    await using api = new TaskApiWorld({ tasks: [] });
    const reply = await api.request(HOST, '//v3/%00%0A%E2%82%AC%3F%23?a=b');
    expect([reply.status, reply.headers.location]).toEqual([301, '/v3/%00%0A%E2%82%AC%3F%23?a=b']);
    expect(api.requestFailures).toEqual([]);
  });

  it.each([
    ['/', '/'],
    ['', '/'],
    ['/v3/./x/', '/v3/x/'],
    ['/../a/../b', '/b'],
    ['/a//b', '/a/b'],
  ])('%j is clean as %j', (path, clean) => {
    expect(cleanPath(path)).toBe(clean);
  });

  it('that nobody knows are not found (TMDS-3)', async () => {
    await using api = new TaskApiWorld({ tasks: [] });
    const reply = await api.request(HOST, '/nope');
    expect([reply.status, reply.body, reply.headers['content-type']]).toEqual([
      404,
      '404 page not found\n',
      'text/plain; charset=utf-8',
    ]);
  });

  it('take any method', async () => {
    await using api = new TaskApiWorld({ tasks: [TASK] });
    const path = `/v4/${api.ids.idOf(TASK.spec, 'app')}`;
    expect((await api.request(TASK_SCOPE, path, { method: 'POST', body: '{}' })).status).toBe(200);
  });

  it('with an unknown id are refused, each version in its way (TMDS-20, TMDS-99, TMDS-100)', async () => {
    await using api = new TaskApiWorld({ tasks: [TASK] });
    expect(await statusesOfUnknown(api, 'v3')).toEqual([500, 500, 400, 400]);
    expect(await statusesOfUnknown(api, 'v4')).toEqual([404, 404, 404, 404]);
  });

  it('of a container with an unknown id are 500 in v3 and 404 in v4 (OBS-107, OBS-108)', async () => {
    await using api = new TaskApiWorld({ tasks: [TASK] });
    const [[v3], v4] = [await statusesOfUnknown(api, 'v3'), await statusesOfUnknown(api, 'v4')];
    expect([v3, ...v4]).toEqual([500, 404, 404, 404, 404]);
  });

  it('of v2 are for tasks with an address of their own alone (TMDS-97, OBS-109)', async () => {
    await using api = new TaskApiWorld({ tasks: [TASK] });
    for (const path of ['metadata', 'stats']) {
      const reply = await api.request(TASK_SCOPE, `/v2/${path}`);
      expect([reply.status, reply.json]).toEqual([
        400,
        "Unable to get task arn from request: unable to associate '127.0.0.1' with task",
      ]);
    }
  });

  it('of associations give null where there are none (TMDS-36)', async () => {
    await using api = new TaskApiWorld({ tasks: [TASK] });
    const path = `/v3/${api.ids.idOf(TASK.spec, 'app')}/associations/gpu`;
    const list = await api.request(TASK_SCOPE, path);
    expect([list.status, list.body]).toEqual([200, '{"Associations":null}']);
    expect((await api.request(TASK_SCOPE, `${path}/`)).status).toBe(400);
  });

  it('of a GPU give its name to its container, and its value as it came (TMDS-111)', async () => {
    const gpus = [{ id: 'GPU-1', containers: ['app'], content: 'YQ==' }];
    const having = { ...TASK, spec: { ...TASK.spec, gpus } };
    await using api = new TaskApiWorld({ tasks: [having] });
    for (const version of ['v3', 'v4']) {
      const path = `/${version}/${api.ids.idOf(having.spec, 'app')}/associations`;
      expect((await api.request(TASK_SCOPE, `${path}/gpu`)).json).toEqual({ Associations: ['GPU-1'] });
      expect((await api.request(TASK_SCOPE, `${path}/elastic-inference`)).json).toEqual({
        Associations: null,
      });
      const one = await api.request(TASK_SCOPE, `${path}/gpu/GPU-1`);
      expect([one.status, one.body, one.headers['content-type']]).toEqual([200, 'YQ==', 'application/json']);
      expect((await api.request(TASK_SCOPE, `${path}/gpu/GPU-2`)).status).toBe(400);
    }
  });

  it('of another task are unknown, also by an id that leaked', async () => {
    const other = { ...TASK, spec: { ...sampleTask('two').spec, networkMode: 'bridge' } as const };
    await using api = new TaskApiWorld({ tasks: [TASK, other] });
    const path = `/v4/${api.ids.idOf(other.spec, 'app')}`;
    expect((await api.request(TASK_SCOPE, path)).status).toBe(404);
    expect((await api.request(TASK_SCOPE, `${path}/task`)).status).toBe(404);
  });
});

describe('answers', () => {
  it('forbid no caching and allow none, and write characters as Go does (TMDS-89)', async () => {
    const odd = { ...TASK, spec: { ...TASK.spec, family: '<&>' } };
    await using api = new TaskApiWorld({ tasks: [odd] });
    const reply = await api.request(TASK_SCOPE, `/v4/${api.ids.idOf(odd.spec, 'app')}/task`);
    expect(reply.body).toContain('"Family":"\\u003c\\u0026\\u003e"');
    for (const name of ['cache-control', 'etag', 'expires']) expect(reply.headers[name]).toBeUndefined();
  });

  it('do not wait for half a request longer than five seconds (TMDS-87)', async () => {
    await using api = new TaskApiWorld({ tasks: [] });
    const start = performance.now();
    await api.raw(HOST, 'GET /v4/x HTTP/1.1\r\nHost: x\r\n');
    expect(performance.now() - start).toBeGreaterThan(4000);
    expect(performance.now() - start).toBeLessThan(8000);
  }, 15_000);
});

describe('whatever callers send', () => {
  const connectionEnds = 'Connection: close\r\n\r\n';

  it('never brings a secret of another task out, and never the server down', async () => {
    const own = sampleTask('two');
    const scope: EndpointScope = { kind: 'task', taskId: taskIdOf(own.spec.arn) };
    await using api = new TaskApiWorld({ tasks: [TASK, own] });
    api.store.put(TASK.spec.arn, 'TaskApplication', roleCredentials('id-1'));
    const pieces = fc.constantFrom(
      '/',
      '//',
      '..',
      '.',
      'v1',
      'v2',
      'v3',
      'v4',
      'credentials',
      'id-1',
      '?id=id-1',
      '%2e',
      '%',
      '%zz',
      'metadata',
      'task',
      'stats',
      'api',
      '\u0001',
      ' ',
      '#',
    );
    const paths = fc.array(pieces, { maxLength: 8 }).map((parts) => `/${parts.join('')}`);
    const methods = fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'BREW', '');
    const headers = fc.array(
      fc.constantFrom(
        'Host: x',
        'X-Forwarded-For: 127.0.0.1',
        'Content-Length: 5',
        'Transfer-Encoding: chunked',
        ': ',
        'a:b',
      ),
      { maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(methods, paths, headers, async (method, path, lines) => {
        const text = `${method} ${path} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}${connectionEnds}0\r\n\r\n`;
        expect(await api.raw(scope, text)).not.toContain('SECRET');
      }),
      { numRuns: 200 },
    );
    expect((await api.request(TASK_SCOPE, '/v2/credentials/id-1')).status).toBe(200);
  }, 30_000);

  it('of one task does not keep another from its answers, and its connections are few', async () => {
    await using api = new TaskApiWorld({ tasks: [TASK] });
    using flood = await api.connections(HOST, 400);
    await until(() => flood.closed() === 400 - 256, { what: 'the rest is turned away' });
    expect((await api.request(TASK_SCOPE, `/v4/${api.ids.idOf(TASK.spec, 'app')}`)).status).toBe(200);
  });

  it('is answered within its rate alone, however fast it comes (OBS-110)', async () => {
    await using api = new TaskApiWorld({ tasks: [TASK], limit: { steady: 40, burst: 60 } });
    const path = `/v4/${api.ids.idOf(TASK.spec, 'app')}`;
    const begun = performance.now();
    const replies = await Promise.all(Array.from({ length: 150 }, () => api.request(TASK_SCOPE, path)));
    const passed = replies.filter(({ status }) => status === 200).length;
    const refilled = Math.ceil(((performance.now() - begun) / 1000) * 40);
    expect(passed).toBeGreaterThanOrEqual(60);
    expect(passed).toBeLessThanOrEqual(60 + refilled);
    expect(replies.filter(({ status }) => status === 429)).toHaveLength(150 - passed);
  });

  it('has at most 64 KiB of a body read', async () => {
    await using api = new TaskApiWorld({ tasks: [TASK] });
    const path = `/api/${api.ids.idOf(TASK.spec, 'app')}/task-protection/v1/state`;
    const reply = await api.request(TASK_SCOPE, path, { method: 'PUT', body: 'x'.repeat(100_000) });
    expect(reply.status).toBe(413);
  });

  it('is answered in turn when it comes in a row, and cut off when the row is long', async () => {
    await using api = new TaskApiWorld({ tasks: [TASK] });
    const path = `/v4/${api.ids.idOf(TASK.spec, 'app')}`;
    const row = (count: number) => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(count));
    const answers = async (count: number) =>
      (await api.rawToEnd(TASK_SCOPE, row(count))).split('HTTP/1.1 200 OK').length - 1;
    expect(await answers(16)).toBe(16);
    expect(await answers(500)).toBeLessThanOrEqual(16);
    for (let n = 0; n < 40; n += 1) expect((await api.request(TASK_SCOPE, path)).status).toBe(200);
  });

  it('may end in the middle of a body', async () => {
    await using api = new TaskApiWorld({ tasks: [TASK] });
    const path = `/api/${api.ids.idOf(TASK.spec, 'app')}/task-protection/v1/state`;
    const half = `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{`;
    await api.rawToEnd(TASK_SCOPE, Buffer.from(half));
    expect((await api.request(TASK_SCOPE, `/v4/${api.ids.idOf(TASK.spec, 'app')}`)).status).toBe(200);
    expect(api.requestFailures).toEqual([]);
  });

  it('is cut off when it is too long', async () => {
    await using api = new TaskApiWorld({ tasks: [] });
    const answer = await api.raw(HOST, `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n${connectionEnds}`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe('the listener on the host', () => {
  it('is on loopback alone, and comes back when its port is free again (TMDS-1, TMDS-88)', async () => {
    const port = await freePort();
    const squatter = createServer().listen(port, '127.0.0.1');
    await until(() => squatter.listening, { what: 'the port is taken' });
    await using api = new TaskApiWorld({ tasks: [] });
    api.listenOnHost(port);
    await until(() => api.listenFailures.length > 0, { what: 'the port could not be had' });
    squatter.close();
    const status = async (address: string) =>
      (await fetch(`http://${address}:${port}/`).catch(() => undefined))?.status;
    await until(async () => (await status('127.0.0.1')) === 404, { what: 'it answers' });
    expect(await status('127.0.0.2')).toBeUndefined();
    expect(LISTENER_PORT).toBe(51_679);
  });
});
