import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type InstanceMetadata,
  MetadataUnavailableError,
  noInstanceMetadata,
} from '../../../src/aws/imds.ts';
import { readInstanceIdentity } from '../../../src/ecs/instance-identity.ts';

const DOCUMENT = '/latest/dynamic/instance-identity/document';
const SIGNATURE = '/latest/dynamic/instance-identity/signature';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function identityFrom(imds: InstanceMetadata) {
  const waits: number[] = [];
  const onUnavailable = vi.fn();
  const started = Date.now();
  const identity = await readInstanceIdentity(imds, {
    signal: new AbortController().signal,
    onUnavailable,
    wait: async (ms) => {
      waits.push(ms);
      await vi.advanceTimersByTimeAsync(ms);
    },
  });
  return { identity, waits, tookMs: Date.now() - started, told: onUnavailable.mock.calls.length };
}

/** A service that answers only these paths, each from its n-th try on. */
function answering(from: Readonly<Record<string, number>>): InstanceMetadata {
  const tries = new Map<string, number>();
  return {
    async get(path) {
      const count = (tries.get(path) ?? 0) + 1;
      tries.set(path, count);
      if (count < (from[path] ?? Number.POSITIVE_INFINITY))
        throw new MetadataUnavailableError('no answer', { reachable: true });
      return `text of ${path}`;
    },
  };
}

describe('identity of the instance', () => {
  it('is empty when it cannot be had for 30 s, and the credentials are read anew (ECS-79)', async () => {
    const { identity, tookMs, told } = await identityFrom(answering({ [SIGNATURE]: 1 }));
    expect(identity).toEqual({ document: '', signature: '' });
    expect(tookMs).toBeGreaterThanOrEqual(30_000);
    expect(tookMs).toBeLessThan(36_000);
    expect(told).toBe(1);
  });

  it('is empty at once without a metadata service (ECS-79)', async () => {
    const { identity, tookMs, told } = await identityFrom(noInstanceMetadata);
    expect(identity).toEqual({ document: '', signature: '' });
    expect([tookMs, told]).toEqual([0, 0]);
  });

  it('lacks only the signature when only that cannot be had', async () => {
    const { identity, told } = await identityFrom(answering({ [DOCUMENT]: 1 }));
    expect(identity).toEqual({ document: `text of ${DOCUMENT}`, signature: '' });
    expect(told).toBe(0);
  });

  it('is tried for again 100 ms ×2 to 5 s apart', async () => {
    const { identity, waits } = await identityFrom(answering({ [DOCUMENT]: 8, [SIGNATURE]: 1 }));
    expect(identity.document).toBe(`text of ${DOCUMENT}`);
    waits.forEach((ms, n) => {
      const base = Math.min(100 * 2 ** n, 5_000);
      expect(ms).toBeGreaterThanOrEqual(base);
      expect(ms).toBeLessThan(base * 1.2);
    });
    expect(waits).toHaveLength(7);
  });
});
