import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { resolveDigest } from '../../../src/image/digest-resolver.ts';
import { RegistryClient } from '../../../src/image/registry/registry-client.ts';
import { MANIFEST_RETRY } from '../../../src/image/retry.ts';
import { pushTestImage } from '../../support/push-image.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { soon } from './image-bench.ts';
import { type RegistryFront, startFront } from './registry-front.ts';

const QUICK = { ...MANIFEST_RETRY, backoff: { ...MANIFEST_RETRY.backoff, maxMs: 50 } };

let registry: TestRegistry;
let front: RegistryFront;
let client: RegistryClient;
beforeAll(async () => {
  registry = await startRegistry();
  front = await startFront(registry.port);
  client = new RegistryClient();
});
afterEach(() => {
  front.disturb = () => undefined;
  front.requests.length = 0;
});
afterAll(async () => {
  await client?.close();
  await front?.close();
  await registry?.stop();
});

describe('resolving a digest', () => {
  it('gives the digest of the index of a multi-architecture image (CTD-58)', async () => {
    const { digest, image } = await pushTestImage(registry, 'many:1', { multiArch: true });
    const reference = `${front.host}/many:1`;
    expect(await resolveDigest(client, { reference }, soon())).toBe(digest);
    expect(digest).not.toBe(image.native.manifest.digest);
  });

  it('asks nobody when the reference has one', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    expect(await resolveDigest(client, { reference: `${front.host}/x:1@${digest}` }, soon())).toBe(digest);
    expect(front.requests).toEqual([]);
  });

  it.each(['v1+json', 'v1+prettyjws'])('gives none for a manifest of schema 1, %s (ENG-98)', async (type) => {
    const contentType = `application/vnd.docker.distribution.manifest.${type}`;
    front.disturb = () => ({ answer: { status: 200, headers: { 'content-type': contentType } } });
    expect(await resolveDigest(client, { reference: `${front.host}/old:1` }, soon())).toBeUndefined();
    expect(front.requests).toHaveLength(1);
  });

  it('tries nine times while the registry is unwell (ENG-99)', async () => {
    front.disturb = () => ({ answer: { status: 503 } });
    const troubles: string[] = [];
    const onTrouble = (trouble: string) => troubles.push(trouble);
    const attempt = resolveDigest(
      client,
      { reference: `${front.host}/ill:1` },
      { ...soon(), policy: QUICK, onTrouble },
    );
    await expect(attempt).rejects.toMatchObject({
      code: 'CannotPullImageManifestError',
      retryable: true,
      message: expect.stringMatching(
        /has a fault; try again later\. .* manifest of 127\.0\.0\.1:\d+\/ill:1: .* answered 503/,
      ),
    });
    expect(front.requests).toHaveLength(9);
    expect(troubles).toHaveLength(8);
    expect(troubles[0]).toMatch(/answered 503/);
  });

  it('does not go on beyond its bound', async () => {
    front.disturb = () => ({ answer: { status: 503 } });
    const policy = { ...MANIFEST_RETRY, withinMs: 300 };
    const attempt = resolveDigest(client, { reference: `${front.host}/ill:1` }, { ...soon(), policy });
    await expect(attempt).rejects.toMatchObject({ code: 'CannotPullImageManifestError' });
    expect(front.requests.length).toBeLessThan(9);
  });

  it('tells a missing tag at once, with what to do (OBS-100)', async () => {
    await pushTestImage(registry, 'there:1');
    const attempt = resolveDigest(client, { reference: `${front.host}/there:2` }, soon());
    await expect(attempt).rejects.toMatchObject({
      code: 'CannotPullImageManifestError',
      retryable: false,
      message: expect.stringMatching(/tag exist.*there:2: registry .* answered 404: manifest unknown/),
    });
    expect(front.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET']);
  });

  it('ends with the reason of its signal', async () => {
    front.disturb = () => ({ hang: true });
    const controller = new AbortController();
    const attempt = resolveDigest(client, { reference: `${front.host}/x:1` }, { signal: controller.signal });
    const ended = expect(attempt).rejects.toThrow('no longer wanted');
    controller.abort(new Error('no longer wanted'));
    await ended;
  });
});
