import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CHUNK_BYTES } from '../../../src/image/registry/blob-download.ts';
import { startContainerd, type TestContainerd } from '../../support/containerd.ts';
import type { LeakCheck } from '../../support/leak-check.ts';
import { pushTestImage } from '../../support/push-image.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { type Blob, buildTestImage } from '../../support/test-image.ts';
import { until } from '../../support/until.ts';
import { type ImageBench, openImages, pullLeaks, soon } from './image-bench.ts';
import { type RegistryFront, startFront } from './registry-front.ts';

const NAMESPACE = 'parallel';
const MIB = 1 << 20;
/** Three chunks and a piece. */
const BYTES = 3 * CHUNK_BYTES + MIB;

let containerd: TestContainerd;
let registry: TestRegistry;
let front: RegistryFront;
let bench: ImageBench;
let leaks: LeakCheck;
beforeAll(async () => {
  [containerd, registry] = await Promise.all([startContainerd(), startRegistry({ auth: 'basic' })]);
  front = await startFront(registry.port);
  bench = await openImages(containerd, { namespace: NAMESPACE });
  leaks = await pullLeaks(containerd, NAMESPACE);
});
afterEach(() => leaks.expectNone());
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  await front?.close();
  await registry?.stop();
  await containerd?.stop();
});

/** A fresh image of one layer, a little larger than that, behind the front. */
async function push(
  name: string,
  bytes: number,
): Promise<{ readonly reference: string; readonly layer: Blob }> {
  const image = buildTestImage({
    busybox: false,
    compress: 'none',
    layers: [[{ path: name, type: 'file', content: randomBytes(bytes) }]],
  });
  const [layer] = image.native.layers;
  if (layer === undefined) throw new Error('no layer');
  await pushTestImage(registry, `${name}:1`, image);
  front.requests.length = 0;
  front.disturb = () => undefined;
  return { reference: `${front.host}/${name}:1`, layer };
}

const login = () => (registry.user === undefined ? {} : { credentials: registry.user });
const pull = (reference: string, call = soon()) => bench.images.pull({ reference, ...login() }, call);
const asked = ({ digest }: Blob) =>
  front.requests.filter(({ path, status }) => path.endsWith(`/blobs/${digest}`) && status !== 401);
const rangesOf = (layer: Blob) => asked(layer).map(({ range }) => range);
const bytesOf = (layer: Blob) => asked(layer).reduce((sum, { bytes }) => sum + bytes, 0);
const isOf = (layer: Blob, path: string) => path.endsWith(layer.digest);

describe('a large layer', () => {
  it('comes in chunks over several connections, each with the login (CTD-48)', async () => {
    const { reference, layer } = await push('chunks', BYTES);
    await pull(reference);
    const starts = [0, 1, 2, 3].map((n) => n * CHUNK_BYTES);
    expect(rangesOf(layer)).toEqual(
      starts.map((start) => `bytes=${start}-${Math.min(start + CHUNK_BYTES, layer.size) - 1}`),
    );
    expect(asked(layer).map(({ status }) => status)).toEqual([206, 206, 206, 206]);
    expect(await bench.images.find(reference, soon())).toBeDefined();
  });

  it('is whole, and no byte comes twice, also when every connection is cut after 1 MiB (CTD-50)', async () => {
    const { reference, layer } = await push('cuts', BYTES);
    front.disturb = ({ path }) => (isOf(layer, path) ? { cutAfter: MIB } : undefined);
    await pull(reference);
    expect(await bench.images.find(reference, soon())).toBeDefined();
    expect(bytesOf(layer) - layer.size).toBeLessThan(256 << 10);
  });

  it('comes over one connection from a server that gives no ranges (CTD-47)', async () => {
    const { reference, layer } = await push('whole', BYTES);
    front.disturb = ({ path }) => (isOf(layer, path) ? { ignoreRange: true } : undefined);
    await pull(reference);
    expect(asked(layer).map(({ status }) => status)).toEqual([200]);
  });

  it('comes over one connection from a server that refuses ranges', async () => {
    const { reference, layer } = await push('refuses', BYTES);
    front.disturb = ({ path, range }) =>
      isOf(layer, path) && range !== undefined ? { answer: { status: 416 } } : undefined;
    await pull(reference);
    expect(asked(layer).map(({ status }) => status)).toEqual([416, 200]);
  });

  it('waits out a registry that is busy with some of its chunks, and keeps the others', async () => {
    const { reference, layer } = await push('busy', BYTES);
    let refused = 0;
    front.disturb = ({ path, range }) => {
      if (!isOf(layer, path) || range?.startsWith(`bytes=${CHUNK_BYTES}-`) !== true) return undefined;
      refused += 1;
      return refused > 2 ? undefined : { answer: { status: 429, headers: { 'retry-after': '0' } } };
    };
    await pull(reference);
    expect(refused).toBe(3);
    expect(bytesOf(layer)).toBe(layer.size);
  });

  it('one of whose chunks is not what the digest says is refused (CTD-10)', async () => {
    const { reference, layer } = await push('lies', BYTES);
    front.disturb = ({ path, range }) =>
      isOf(layer, path) && range?.startsWith(`bytes=${CHUNK_BYTES}-`)
        ? { alter: (chunk) => Buffer.from(chunk.map((byte) => byte ^ 1)) }
        : undefined;
    await expect(pull(reference)).rejects.toMatchObject({
      code: 'CannotPullContainerError',
      retryable: false,
    });
  });

  it('is not fetched twice by a restart of containerd in its midst', async () => {
    const { reference, layer } = await push('restart', 2 * BYTES);
    front.disturb = ({ path }) => (isOf(layer, path) ? { rate: 8 * MIB } : undefined);
    await using patient = await openImages(containerd, {
      namespace: NAMESPACE,
      pullRetry: { attempts: 5, backoff: { minMs: 500, maxMs: 2_000, factor: 2, jitter: 0.2 } },
    });
    const pulling = patient.images.pull({ reference, ...login() }, soon());
    await until(() => bytesOf(layer) > 2 * CHUNK_BYTES, { what: 'bytes come' });
    await containerd.restart();
    await pulling;
    expect(bytesOf(layer)).toBe(layer.size);
  });
});

it('lets a small image through as soon as one of the connections is free that a large one has', async () => {
  const small = await push('small', 1_000);
  const large = await push('bulk', 10 * CHUNK_BYTES);
  let askedBefore: number | undefined;
  front.disturb = ({ path, range }) => {
    if (isOf(small.layer, path)) askedBefore ??= asked(large.layer).length;
    if (!isOf(large.layer, path)) return undefined;
    return { rate: range?.startsWith('bytes=0-') ? 4 * MIB : MIB / 4 };
  };
  const leaving = new AbortController();
  const slow = pull(large.reference, { signal: leaving.signal });
  const left = expect(slow).rejects.toThrow('enough');
  await until(() => asked(large.layer).length === 8, { what: 'all connections are in use' });
  await pull(small.reference);
  expect(askedBefore).toBe(8);
  leaving.abort(new Error('enough'));
  await left;
});
