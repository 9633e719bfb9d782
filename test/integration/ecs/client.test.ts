import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { AGENT_VERSION } from '../../../src/agent-version.ts';
import { EcsApiError } from '../../../src/ecs/ecs-api.ts';
import { expectedAuthorization } from '../../unit/aws/expected-signature.ts';
import { ARN, answerJson, ClientWorld, endpoints, signal } from './client-world.ts';

describe('a call to ECS', () => {
  it('is JSON 1.1, signed for service ecs (ECS-01, ACS-65)', async () => {
    await using world = await ClientWorld.start((_request, _count, response) =>
      answerJson(response, 200, endpoints),
    );
    await world.discover();
    const [request] = world.server.seen;
    const headers = request?.headers ?? {};
    expect(request).toMatchObject({ method: 'POST', path: '/' });
    expect(JSON.parse(request?.body ?? '')).toEqual({ cluster: 'peer', containerInstance: ARN, zoneId: '' });
    expect(headers).toMatchObject({
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonEC2ContainerServiceV20141113.DiscoverPollEndpoint',
      'amz-sdk-request': 'attempt=1; max=3',
      'accept-encoding': 'gzip',
    });
    const names = [
      'amz-sdk-invocation-id',
      'amz-sdk-request',
      'content-length',
      'content-type',
      'host',
      'x-amz-date',
      'x-amz-target',
    ];
    const signed = Object.fromEntries(names.map((name) => [name, String(headers[name])]));
    expect(headers.authorization).toBe(
      expectedAuthorization(
        { method: 'POST', path: '/', query: '', headers: signed, body: request?.body ?? '' },
        { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
        { region: 'us-west-2', service: 'ecs', time: String(headers['x-amz-date']) },
      ),
    );
  });

  it('names product, version and system (ECS-03)', async () => {
    await using world = await ClientWorld.start(
      (_request, _count, response) => answerJson(response, 200, endpoints),
      { env: { ECS_DETAILED_OS_FAMILY: 'amzn_2023' } },
    );
    await world.discover();
    expect(world.server.seen[0]?.headers['user-agent']).toMatch(
      new RegExp(
        `^ECS containerd agent - v${AGENT_VERSION} \\([0-9a-f]{8}\\) \\(linux; amzn_2023\\) \\(\\+http://aws\\.amazon\\.com/ecs/\\)$`,
      ),
    );
  });

  it('goes to ECS_BACKEND_HOST, over connections that are kept (ECS-02)', async () => {
    const ports = new Set<number | undefined>();
    await using world = await ClientWorld.start((_request, _count, response) => {
      ports.add(response.socket?.remotePort);
      answerJson(response, 200, {});
    });
    await world.submit();
    await world.submit();
    await world.client.createCluster('default', { signal });
    expect(world.server.seen).toHaveLength(3);
    expect(ports.size).toBe(1);
    expect(JSON.parse(world.server.seen[2]?.body ?? '')).toEqual({ clusterName: 'default' });
  });

  it('takes a zipped answer', async () => {
    await using world = await ClientWorld.start((_request, _count, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(JSON.stringify(endpoints)));
    });
    expect(await world.discover()).toEqual({
      acs: endpoints.endpoint,
      telemetry: endpoints.telemetryEndpoint,
    });
  });

  it("tells an ENI of a task by that task's state change and nothing else (ECS-51)", async () => {
    await using world = await ClientWorld.start((_request, _count, response) =>
      answerJson(response, 200, { acknowledgment: 'ACK' }),
    );
    await world.client.submitAttachment(
      { cluster: 'peer', task: 'arn:task', attachmentArn: 'arn:1' },
      { signal },
    );
    const [request] = world.server.seen;
    expect(request?.headers['x-amz-target']).toMatch(/\.SubmitTaskStateChange$/);
    expect(JSON.parse(request?.body ?? '')).toEqual({
      cluster: 'peer',
      task: 'arn:task',
      attachments: [{ attachmentArn: 'arn:1', status: 'ATTACHED' }],
    });
  });

  it('tells an ENI of the instance by SubmitAttachmentStateChanges (ACS-49, ECS-52, NET-35)', async () => {
    await using world = await ClientWorld.start((_request, _count, response) =>
      answerJson(response, 200, { acknowledgment: 'ACK' }),
    );
    await world.client.submitAttachment({ cluster: 'peer', attachmentArn: 'arn:1' }, { signal });
    const [request] = world.server.seen;
    expect(request?.headers['x-amz-target']).toMatch(/\.SubmitAttachmentStateChanges$/);
    expect(JSON.parse(request?.body ?? '')).toEqual({
      cluster: 'peer',
      attachments: [{ attachmentArn: 'arn:1', status: 'ATTACHED' }],
    });
  });

  it('gives the registered instance with its attributes', async () => {
    await using world = await ClientWorld.start((_request, _count, response) =>
      answerJson(response, 200, {
        containerInstance: {
          containerInstanceArn: ARN,
          attributes: [{ name: 'a' }, { name: 'b', value: 'c', targetId: null }],
        },
      }),
    );
    const request = {
      cluster: 'peer',
      instanceIdentityDocument: '',
      instanceIdentityDocumentSignature: '',
      totalResources: [],
      attributes: [],
      clientToken: 't',
    };
    expect(await world.client.registerContainerInstance(request, { signal })).toEqual({
      containerInstanceArn: ARN,
      attributes: [{ name: 'a' }, { name: 'b', value: 'c' }],
    });
  });

  it.each([
    ['header', { 'x-amzn-errortype': 'ClientException:http://x/' }, { message: 'Cluster not found.' }],
    ['body', {}, { __type: 'com.amazonaws.ecs#ClientException', Message: 'Cluster not found.' }],
  ])('that is refused gives the error named in the %s', async (_where, headers, body) => {
    await using world = await ClientWorld.start((_request, _count, response) => {
      response.writeHead(400, headers).end(JSON.stringify(body));
    });
    const error = await world.submit().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(EcsApiError);
    expect(error).toMatchObject({ code: 'ClientException', httpStatus: 400 });
    expect(String(error)).toContain('Cluster not found.');
    expect(world.server.seen).toHaveLength(1);
  });

  it('answered with something else than ECS’s JSON is an error that is not tried again', async () => {
    await using world = await ClientWorld.start((_request, _count, response) => void response.end('<html>'));
    await expect(world.discover()).rejects.toMatchObject({ code: 'InvalidResponse' });
    expect(world.server.seen).toHaveLength(1);
  });

  it('without credentials is an error that says so', async () => {
    await using world = await ClientWorld.start(() => undefined, {
      client: { credentials: { get: () => Promise.reject(new Error('no AWS credentials were found')) } },
    });
    await expect(world.submit()).rejects.toMatchObject({
      code: 'CredentialsError',
      message: expect.stringContaining('no AWS credentials were found'),
    });
    expect(world.server.seen).toEqual([]);
  });

  it('that names missing certificate authorities is an error that says where', async () => {
    await using world = await ClientWorld.start(() => undefined, {
      env: { SSL_CERT_FILE: '/no/where.pem' },
      backendHost: (server) => `127.0.0.1:${server.port}`,
    });
    await expect(world.discover()).rejects.toMatchObject({
      code: 'NetworkError',
      message: expect.stringContaining('/no/where.pem'),
    });
  });
});

describe('retries of a call', () => {
  it.each([
    [500, { __type: 'ServerException' }],
    [503, {}],
    [400, { __type: 'ThrottlingException' }],
  ])('follow %i %o, three attempts in all under one invocation id', async (status, body) => {
    await using world = await ClientWorld.start((_request, _count, response) =>
      answerJson(response, status, body),
    );
    await expect(world.discover()).rejects.toMatchObject({ httpStatus: status });
    expect(world.server.seen.map(({ headers }) => headers['amz-sdk-request'])).toEqual([
      'attempt=1; max=3',
      'attempt=2; max=3',
      'attempt=3; max=3',
    ]);
    expect(new Set(world.server.seen.map(({ headers }) => headers['amz-sdk-invocation-id'])).size).toBe(1);
    expect(world.waits).toHaveLength(2);
  });

  it('end with the first good answer', async () => {
    await using world = await ClientWorld.start((_request, count, response) =>
      count < 3 ? answerJson(response, 500, {}) : answerJson(response, 200, endpoints),
    );
    expect((await world.discover()).acs).toBe(endpoints.endpoint);
    expect(world.server.seen).toHaveLength(3);
  });

  it('follow a cut connection', async () => {
    await using world = await ClientWorld.start((_request, count, response) => {
      if (count === 1) response.destroy();
      else if (count === 2) {
        response.writeHead(200, { 'content-length': '1000' }).write('{"endpoint":');
        response.socket?.destroySoon();
      } else answerJson(response, 200, endpoints);
    });
    expect((await world.discover()).acs).toBe(endpoints.endpoint);
    expect(world.server.seen).toHaveLength(3);
  });

  it('follow an answer that does not come in time', async () => {
    await using world = await ClientWorld.start(
      (_request, count, response) => {
        if (count === 3) answerJson(response, 200, endpoints);
      },
      { client: { timeouts: { dialMs: 1_000, tlsMs: 1_000, totalMs: 100 } } },
    );
    expect((await world.discover()).acs).toBe(endpoints.endpoint);
    expect(world.server.seen).toHaveLength(3);
  });

  it('of Submit calls go on with growing delays (ECS-44)', async () => {
    await using world = await ClientWorld.start((_request, count, response) =>
      answerJson(response, count < 20 ? 500 : 200, {}),
    );
    await world.submit();
    expect(world.server.seen.map(({ headers }) => headers['amz-sdk-request']).slice(-1)).toEqual([
      'attempt=20; max=298',
    ]);
    world.waits.forEach((ms, n) => {
      expect(ms).toBeGreaterThanOrEqual(n < 13 ? 30 * 2 ** (n + 1) : 300_000);
      expect(ms).toBeLessThanOrEqual(n < 13 ? 60 * 2 ** (n + 1) : 300_000);
    });
    expect(world.waits).toHaveLength(19);
  });

  it('of Submit calls end after 298 attempts (ECS-92)', async () => {
    await using world = await ClientWorld.start((_request, _count, response) =>
      answerJson(response, 500, {}),
    );
    await expect(world.submit()).rejects.toMatchObject({ httpStatus: 500 });
    expect(world.server.seen).toHaveLength(298);
  });

  it('end for all calls when too many fail', async () => {
    await using world = await ClientWorld.start((_request, _count, response) =>
      answerJson(response, 500, {}),
    );
    const codes = new Set<string>();
    for (let call = 0; call < 52; call++)
      await world.discover().catch((error: EcsApiError) => codes.add(error.code));
    expect(codes).toEqual(new Set(['HTTP500', 'RetryQuotaExceeded']));
  });
});

describe('the end of a call', () => {
  it('comes with its signal', async () => {
    const arrived = Promise.withResolvers<void>();
    await using world = await ClientWorld.start(() => arrived.resolve());
    const controller = new AbortController();
    const call = world.client.createCluster('default', { signal: controller.signal });
    await arrived.promise;
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    expect(world.waits).toEqual([]);
  });

  it('comes when the client is closed, look-ups that are shared included', async () => {
    const arrived = Promise.withResolvers<void>();
    await using world = await ClientWorld.start(() => arrived.resolve());
    const call = world.discover();
    await arrived.promise;
    await Promise.all([expect(call).rejects.toMatchObject({ code: 'Closed' }), world.client.close()]);
  });
});

describe('poll endpoints', () => {
  it('are asked for once (ECS-59, OBS-42)', async () => {
    await using world = await ClientWorld.start((_request, _count, response) =>
      answerJson(response, 200, endpoints),
    );
    await Promise.all([world.discover(), world.discover()]);
    await world.discover();
    expect(world.server.seen).toHaveLength(1);
  });

  it('are an error without that of ACS', async () => {
    await using world = await ClientWorld.start((_request, _count, response) =>
      answerJson(response, 200, {}),
    );
    await expect(world.discover()).rejects.toMatchObject({ code: 'InvalidResponse' });
  });
});
