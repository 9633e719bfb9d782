import { describe, expect, it } from 'vitest';
import { EcsApiError } from '../../../src/ecs/ecs-api.ts';
import { isRetryable, RetryQuota, STANDARD_RETRIES, SUBMIT_RETRIES } from '../../../src/ecs/retry-policy.ts';

describe('retries', () => {
  it.each([
    ['ServerException', 500, true],
    ['Whatever', 502, true],
    ['HTTP503', 503, true],
    ['HTTP504', 504, true],
    ['NetworkError', 0, true],
    ['ThrottlingException', 400, true],
    ['RequestTimeoutException', 400, true],
    ['RequestThrottledException', 400, true],
    ['LimitExceededException', 400, true],
    ['InvalidParameterException', 400, false],
    ['ClientException', 400, false],
    ['AccessDeniedException', 403, false],
    ['CredentialsError', 0, false],
    ['HTTP501', 501, false],
  ])('of %s with status %i: %s', (code, status, retried) => {
    expect(isRetryable(new EcsApiError(code, '', status))).toBe(retried);
  });

  it('of usual calls are at most 20 s apart', () => {
    expect(STANDARD_RETRIES.maxAttempts).toBe(3);
    expect(STANDARD_RETRIES.delayMs(1, () => 0.5)).toBe(1_000);
    expect(STANDARD_RETRIES.delayMs(9, () => 1)).toBe(20_000);
  });

  it('of Submit calls grow for about a day, to 5 min apart (ECS-44)', () => {
    expect(SUBMIT_RETRIES.delayMs(1, () => 0)).toBe(60);
    expect(SUBMIT_RETRIES.delayMs(13, () => 1)).toBe(8192 * 60);
    expect(SUBMIT_RETRIES.delayMs(14, () => 1)).toBe(300_000);
    let total = 0;
    for (let retry = 1; retry < SUBMIT_RETRIES.maxAttempts; retry++)
      total += SUBMIT_RETRIES.delayMs(retry, () => 0.5);
    expect(total / 3_600_000).toBeGreaterThan(23);
    expect(total / 3_600_000).toBeLessThan(25);
  });

  it('end for all calls when too many fail, until some succeed', () => {
    const quota = new RetryQuota();
    for (let n = 0; n < 100; n++) expect(quota.take(false)).toBe(5);
    expect(quota.take(false)).toBe(0);
    quota.give(5);
    expect(quota.take(true)).toBe(0);
    quota.give(0);
    for (let n = 0; n < 4; n++) quota.give(0);
    expect(quota.take(true)).toBe(10);
  });
});
