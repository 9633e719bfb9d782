import { describe, expect, it } from 'vitest';
import { RateLimiter } from '../../../src/metadata/rate-limit.ts';
import type { EndpointScope } from '../../../src/metadata/task-api/endpoint-tasks.ts';
import { TaskApiWorld } from './task-api-world.ts';

describe('the limit of requests', () => {
  it('lets a burst pass and then as many as come back with time (TMDS-72)', () => {
    let now = 0;
    const limiter = new RateLimiter({ steady: 40, burst: 60 }, () => now);
    const passed = (calls: number) => Array.from({ length: calls }, () => limiter.take('k')).filter(Boolean);
    expect(passed(150)).toHaveLength(60);
    now += 500;
    expect(passed(150)).toHaveLength(20);
    now += 3_600_000;
    expect(passed(150)).toHaveLength(60);
  });

  it('is kept for so many callers that memory stays bounded', () => {
    const limiter = new RateLimiter({ steady: 1, burst: 1 }, () => 0);
    for (let i = 0; i < 30_000; i += 1) limiter.take(`path ${i}`);
    expect(limiter.take('path 29999')).toBe(false);
    expect(limiter.take('path 0')).toBe(true);
  });

  it('is one for each path and caller, and is told in every answer (TMDS-74, TMDS-138)', async () => {
    const scope: EndpointScope = { kind: 'host' };
    await using api = new TaskApiWorld({ tasks: [], limit: { steady: 0.001, burst: 1 } });
    await api.request(scope, '/v4/a');
    const { status, body, headers } = await api.request(scope, '/v4/a');
    expect([status, body, headers['content-type']]).toEqual([
      429,
      'You have reached maximum request limit.',
      'text/plain; charset=utf-8',
    ]);
    expect(headers).toMatchObject({
      'x-rate-limit-limit': '0.00',
      'x-rate-limit-duration': '1',
      'x-rate-limit-request-forwarded-for': '',
      'x-rate-limit-request-remote-addr': expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
    expect((await api.request(scope, '/v4/b')).status).toBe(404);
  });
});
