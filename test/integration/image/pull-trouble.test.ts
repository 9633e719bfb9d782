import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PullRequest } from '../../../src/image/images.ts';
import { blobInfo, ingestOffset, ingestRef } from '../../../src/runtime/containerd/images/content.ts';
import { TaskError } from '../../../src/task/errors.ts';
import { bulkLayer } from '../../support/base-layer.ts';
import { startContainerd, type TestContainerd } from '../../support/containerd.ts';
import { freePort } from '../../support/free-port.ts';
import type { LeakCheck } from '../../support/leak-check.ts';
import { pushTestImage } from '../../support/push-image.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import type { Blob, TestImage } from '../../support/test-image.ts';
import { buildTestImage } from '../../support/test-image.ts';
import { until } from '../../support/until.ts';
import {
  type ImageBench,
  openImages,
  PULL_CHILD,
  pullLeaks,
  QUICK_RETRY,
  snapshotNames,
  soon,
} from './image-bench.ts';
import { type RegistryFront, startFront } from './registry-front.ts';

const NAMESPACE = 'trouble';
const MIB = 1 << 20;
/** What one layer of 4 MiB is on the wire, about: random bytes do not shrink. */
const BULK = 4 * MIB;

let containerd: TestContainerd;
let registry: TestRegistry;
let front: RegistryFront;
let bench: ImageBench;
let leaks: LeakCheck;
let seed = 0;

beforeAll(async () => {
  [containerd, registry] = await Promise.all([startContainerd(), startRegistry()]);
  front = await startFront(registry.port);
  bench = await openImages(containerd, { namespace: NAMESPACE, registry: { inactivityMs: 300 } });
  leaks = await pullLeaks(containerd, NAMESPACE);
});
afterEach(async () => {
  front.disturb = () => undefined;
  front.requests.length = 0;
  await leaks.expectNone();
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  await front?.close();
  await registry?.stop();
  await containerd?.stop();
});

/** A fresh image of one large layer, behind the front. */
async function bulkImage(name: string): Promise<{ reference: string; layer: Blob; image: TestImage }> {
  seed += 1;
  const image = buildTestImage({ busybox: false, layers: [bulkLayer(BULK, seed)] });
  const [layer] = image.native.layers;
  if (layer === undefined) throw new Error('no layer');
  await pushTestImage(registry, `${name}:1`, image);
  return { reference: `${front.host}/${name}:1`, layer, image };
}

const isBlob = (path: string, { digest }: Blob) => path.endsWith(`/blobs/${digest}`);
const rangesOf = (layer: Blob) =>
  front.requests.filter(({ path }) => isBlob(path, layer)).map(({ range }) => range);
const pull = (request: PullRequest | string) =>
  bench.images.pull(typeof request === 'string' ? { reference: request } : request, soon());

async function failure(promise: Promise<unknown>): Promise<TaskError> {
  const error = await promise.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof TaskError)) throw error;
  return error;
}

describe('a cut line', () => {
  it('is resumed by Range where the store stands, however often it is cut (CTD-7, CTD-50)', async () => {
    const { reference, layer } = await bulkImage('cut');
    const cutAfter = 700_000;
    front.disturb = ({ path }) => (isBlob(path, layer) ? { cutAfter } : undefined);
    await pull(reference);
    const starts = rangesOf(layer).map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]));
    expect(starts.length).toBe(Math.ceil(layer.size / cutAfter));
    for (const [n, start] of starts.entries()) expect(start).toBe(n * cutAfter);
    expect(await bench.images.find(reference, soon())).toBeDefined();
  });

  it('is resumed also at a server that answers 200 to a Range (CTD-47)', async () => {
    const { reference, layer } = await bulkImage('no-range');
    front.disturb = ({ path, range }) => {
      if (!isBlob(path, layer)) return undefined;
      return range === undefined ? { cutAfter: 1_500_000 } : { ignoreRange: true };
    };
    await pull(reference);
    expect(rangesOf(layer)).toEqual([undefined, 'bytes=1500000-']);
    expect(front.requests.filter(({ path }) => isBlob(path, layer)).map(({ status }) => status)).toEqual([
      200, 200,
    ]);
  });

  it('that never gets further fails after five tries with what the registry did (ENG-140)', async () => {
    const { reference, layer } = await bulkImage('stuck');
    front.disturb = ({ path, range }) => {
      if (!isBlob(path, layer)) return undefined;
      return { cutAfter: range === undefined ? 1_000_000 : 10 };
    };
    const error = await failure(pull(reference));
    expect(error).toMatchObject({ code: 'CannotPullContainerError', retryable: true });
    expect(error.message).toContain(reference);
    expect(rangesOf(layer)).toHaveLength(5);
  });

  it('that falls silent is taken for cut (CTD-50)', async () => {
    const { reference, layer } = await bulkImage('silent');
    front.disturb = ({ path, range }) =>
      isBlob(path, layer) && range === undefined ? { stallAfter: 1_200_000 } : undefined;
    await pull(reference);
    expect(rangesOf(layer)).toEqual([undefined, 'bytes=1200000-']);
  });
});

describe('bytes that are not those of the digest', () => {
  const flip = (chunk: Buffer) => Buffer.from(chunk.map((byte) => byte ^ 1));

  it('fail the pull at once, and their ingest is thrown away (CTD-10)', async () => {
    const { reference, layer } = await bulkImage('altered');
    front.disturb = ({ path }) => (isBlob(path, layer) ? { alter: flip } : undefined);
    const error = await failure(pull(reference));
    expect(error).toMatchObject({ code: 'CannotPullContainerError', retryable: false });
    expect(error.message).toContain(layer.digest);
    expect(rangesOf(layer)).toEqual([undefined]);
    expect(await ingestOffset(bench.client, ingestRef('layer', layer.digest), soon())).toBeUndefined();
    front.disturb = () => undefined;
    await pull(reference);
  });

  it('of an earlier transfer are fetched afresh (CTD-10)', async () => {
    const { reference, layer } = await bulkImage('half-bad');
    front.disturb = ({ path }) => {
      const tries = rangesOf(layer).length;
      return isBlob(path, layer) && tries === 1 ? { alter: flip, cutAfter: 2_000_000 } : undefined;
    };
    await pull(reference);
    expect(rangesOf(layer)).toEqual([undefined, 'bytes=2000000-', undefined]);
  });

  it('are refused in a manifest too', async () => {
    const { reference, image } = await bulkImage('other-manifest');
    front.disturb = ({ path }) => (path.includes('/manifests/') ? { alter: flip } : undefined);
    const error = await failure(pull({ reference, digest: image.top.digest }));
    expect(error.message).toContain(image.top.digest);
    expect(error.retryable).toBe(false);
  });

  it('are refused when there are more or fewer of them than the manifest says', async () => {
    const { reference, layer } = await bulkImage('longer');
    front.disturb = ({ path }) =>
      isBlob(path, layer)
        ? { answer: { status: 200, headers: { 'content-length': '5' }, body: 'short' } }
        : undefined;
    const error = await failure(pull(reference));
    expect(error.message).toContain(
      `has 5 bytes for blob ${layer.digest} where the manifest says ${layer.size}`,
    );
    expect(rangesOf(layer)).toHaveLength(1);
  });

  it('are noticed when they unpack to something else than the image says (CTD-53, CTD-54)', async () => {
    const built = buildTestImage({ layers: [[{ path: 'liar', type: 'file', content: 'liar' }]] });
    const lie = `sha256:${createHash('sha256').update('another layer').digest('hex')}`;
    const config = JSON.parse(built.native.config.bytes.toString());
    config.rootfs.diff_ids[1] = lie;
    const image = withConfig(built, config);
    const { reference } = await pushTestImage(registry, 'liar:1', image);
    const error = await failure(pull(reference));
    expect(error).toMatchObject({ code: 'CannotPullContainerError', retryable: false });
    expect(error.message).toContain(lie);
    expect((await snapshotNames(bench.client)).filter((name) => name.includes('extract-'))).toEqual([]);
    expect(await bench.images.find(reference, soon())).toBeUndefined();
  });
});

describe('a registry that refuses', () => {
  it.each([
    [404, 'MANIFEST_UNKNOWN', 'manifest unknown', /repository and the tag exist/],
    [403, 'DENIED', 'not for you', /permissions/],
    [401, 'UNAUTHORIZED', 'authentication required', /credentials/],
  ])(
    'with %i fails the pull at once with what it said and what to do',
    async (status, code, message, hint) => {
      const { reference } = await bulkImage(`refused-${status}`);
      const body = JSON.stringify({ errors: [{ code, message }] });
      front.disturb = () => ({ answer: { status, body } });
      const error = await failure(pull(reference));
      expect(error).toMatchObject({ code: 'CannotPullContainerError', retryable: false });
      const said = `${code.toLowerCase().replace('_', ' ')}: ${message}`;
      expect(error.message).toContain(
        `pulling ${reference}: registry ${front.host} answered ${status}: ${said}`,
      );
      expect(error.message).toMatch(hint);
      expect(front.requests).toHaveLength(1);
    },
  );

  it('for a real missing tag says so in one request (OBS-100)', async () => {
    await bulkImage('missing');
    const error = await failure(pull(`${front.host}/missing:2`));
    expect(error.message).toMatch(
      /^The image cannot be pulled: .*missing:2: registry .* answered 404: manifest unknown/,
    );
    expect(front.requests).toHaveLength(1);
  });

  it('for the moment is asked again after the wait that it names (ENG-140)', async () => {
    const { reference } = await bulkImage('busy');
    front.disturb = () => {
      if (front.requests.length === 1) return { answer: { status: 429, headers: { 'retry-after': '1' } } };
      return front.requests.length < 4 ? { answer: { status: 503, body: 'maintenance' } } : undefined;
    };
    const startedAt = performance.now();
    const troubles: (string | undefined)[] = [];
    await pull({ reference, onProgress: ({ trouble }) => troubles.push(trouble) });
    expect(troubles.slice(0, 3)).toEqual([
      expect.stringMatching(/answered 429/),
      expect.stringMatching(/answered 503: maintenance/),
      expect.stringMatching(/answered 503: maintenance/),
    ]);
    expect(troubles.slice(3).every((trouble) => trouble === undefined)).toBe(true);
    expect(performance.now() - startedAt).toBeGreaterThan(1_000);
    expect(front.requests.slice(0, 4).map(({ status }) => status)).toEqual([429, 503, 503, 200]);
  });

  it('for longer than is worth waiting is told at once', async () => {
    const { reference } = await bulkImage('limit');
    front.disturb = () => ({
      answer: { status: 429, headers: { 'retry-after': '3600' }, body: 'toomanyrequests' },
    });
    const error = await failure(pull(reference));
    expect(error.message).toMatch(/registry limits requests.* answered 429: toomanyrequests/);
    expect(front.requests).toHaveLength(1);
  });

  it('because nobody listens fails after five tries and points at the network', async () => {
    const port = await freePort();
    const error = await failure(pull(`127.0.0.1:${port}/nobody:1`));
    expect(error).toMatchObject({ code: 'CannotPullContainerError', retryable: true });
    expect(error.message).toMatch(/check the network configuration.*ECONNREFUSED/);
  });

  it('because its host is unknown names the host', async () => {
    const error = await failure(pull('registry.invalid/app:1'));
    expect(error.message).toMatch(
      /check the network configuration.*pulling registry\.invalid\/app:1.*registry\.invalid/,
    );
  });
});

describe('an image that cannot run here', () => {
  const answerManifest = (mediaType: string, document: object) => {
    front.disturb = ({ path }) =>
      path.includes('/manifests/')
        ? { answer: { status: 200, headers: { 'content-type': mediaType }, body: JSON.stringify(document) } }
        : undefined;
  };

  it('is refused when it has no variant for this machine, with what it has', async () => {
    const { reference, image } = await bulkImage('foreign');
    const { digest, size, mediaType } = image.native.manifest;
    const platform = { os: 'linux', architecture: 's390x' };
    answerManifest('application/vnd.oci.image.index.v1+json', {
      schemaVersion: 2,
      manifests: [{ mediaType, digest, size, platform }],
    });
    const error = await failure(pull(reference));
    expect(error.message).toMatch(/no variant for linux\/(amd64|arm64); it offers linux\/s390x/);
  });

  it('is refused when a layer is kept elsewhere', async () => {
    const { reference, image } = await bulkImage('elsewhere');
    const manifest = JSON.parse(image.native.manifest.bytes.toString());
    manifest.layers[0].mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    manifest.layers[0].urls = ['https://example.invalid/layer'];
    answerManifest('application/vnd.oci.image.manifest.v1+json', manifest);
    expect((await failure(pull(reference))).message).toContain('foreign layer');
  });

  it('is refused when its manifest is of schema 1', async () => {
    const { reference } = await bulkImage('schema1');
    answerManifest('application/vnd.docker.distribution.manifest.v1+prettyjws', { schemaVersion: 1 });
    expect((await failure(pull(reference))).message).toContain('schema 1');
  });

  it('is refused when its name is none', async () => {
    const error = await failure(pull('Not/An Image'));
    expect(error).toMatchObject({ code: 'CannotPullContainerError', retryable: false });
    expect(await bench.images.find('Not/An Image', soon())).toBeUndefined();
    await bench.images.remove('Not/An Image', soon());
  });
});

describe('pulls that stand still', () => {
  it('fail with pullBegin when nothing ever comes (ENG-23)', async () => {
    await using patient = await openImages(containerd, { namespace: NAMESPACE, beginTimeoutMs: 400 });
    const { reference } = await bulkImage('mute');
    front.disturb = () => ({ hang: true });
    const error = await failure(patient.images.pull({ reference }, soon()));
    expect(error.code).toBe('DockerTimeoutError');
    expect(error.message).toContain('pullBegin; timed out after waiting 400ms');
  });

  it('fail as inactive when the bytes stop, and clean up (ENG-24)', async () => {
    await using patient = await openImages(containerd, { namespace: NAMESPACE, inactivityTimeoutMs: 400 });
    const { reference, layer } = await bulkImage('standstill');
    front.disturb = ({ path }) => (isBlob(path, layer) ? { stallAfter: 100_000 } : undefined);
    const error = await failure(patient.images.pull({ reference }, soon()));
    expect(error.code).toBe('CannotPullContainerError');
    expect(error.message).toContain('inactive for too long, no progress within 400ms');
  });

  it('do not fail while bytes come, however slowly (ENG-24)', async () => {
    await using patient = await openImages(containerd, { namespace: NAMESPACE, inactivityTimeoutMs: 1_500 });
    const { reference, layer } = await bulkImage('slow');
    front.disturb = ({ path }) => (isBlob(path, layer) ? { rate: 1.6 * MIB } : undefined);
    const startedAt = performance.now();
    await patient.images.pull({ reference }, soon());
    expect(performance.now() - startedAt).toBeGreaterThan(1_500);
  });
});

describe('a containerd that takes nothing for a while', () => {
  it('holds up the registry instead of filling memory, and the pull goes on after it (CTD-8)', async () => {
    seed += 1;
    const size = 64 * MIB;
    const image = buildTestImage({ busybox: false, compress: 'none', layers: [bulkLayer(size, seed)] });
    const [layer] = image.native.layers;
    if (layer === undefined) throw new Error('no layer');
    await pushTestImage(registry, 'held-up:1', image);
    const asked = () => front.requests.filter(({ path }) => isBlob(path, layer));
    const passed = () => asked().reduce((sum, { bytes }) => sum + bytes, 0);
    front.disturb = ({ path }) => {
      if (isBlob(path, layer) && asked().length === 1) process.kill(containerd.pid, 'SIGSTOP');
      return undefined;
    };
    // With the silence of a registry that is borne in earnest: this machine may be busy.
    await using patient = await openImages(containerd, { namespace: NAMESPACE });
    const pulling = patient.images.pull({ reference: `${front.host}/held-up:1` }, soon());
    let before = 0;
    let same = 0;
    try {
      await until(
        () => {
          same = before > 0 && passed() === before ? same + 1 : 0;
          before = passed();
          return same === 10;
        },
        { what: 'no more bytes pass', intervalMs: 100 },
      );
      expect(passed()).toBeLessThan(0.6 * size);
    } finally {
      process.kill(containerd.pid, 'SIGCONT');
    }
    await pulling;
    // Each byte has come once.
    expect(passed()).toBe(layer.size);
  });
});

describe('pulls side by side', () => {
  it('of the same image fetch it once, and one may leave without harm to the other', async () => {
    const { reference, layer } = await bulkImage('same');
    const gate = Promise.withResolvers<void>();
    front.disturb = ({ path }) => {
      if (isBlob(path, layer)) gate.resolve();
      return { rate: 8 * MIB };
    };
    const leaving = new AbortController();
    const first = bench.images.pull({ reference }, { signal: leaving.signal });
    const second = pull(reference);
    const rest = expect(first).rejects.toThrow('changed my mind');
    await gate.promise;
    leaving.abort(new Error('changed my mind'));
    await rest;
    expect(await second).toMatchObject({ name: reference });
    expect(rangesOf(layer)).toHaveLength(1);
  });

  it('wait for a layer that another is writing, and fetch it once (CTD-51, CTD-55)', async () => {
    seed += 1;
    const shared = bulkLayer(BULK, seed);
    const images = ['left', 'right'].map((own) =>
      buildTestImage({ busybox: false, layers: [shared, [{ path: own, type: 'file', content: own }]] }),
    );
    for (const [n, image] of images.entries()) await pushTestImage(registry, `beside-${n}:1`, image);
    const layer = images[0]?.native.layers[0];
    if (layer === undefined) throw new Error('no layer');
    front.disturb = ({ path }) => (isBlob(path, layer) ? { rate: 8 * MIB } : undefined);
    await Promise.all(images.map((_, n) => pull(`${front.host}/beside-${n}:1`)));
    expect(rangesOf(layer)).toEqual([undefined]);
    for (const n of images.keys()) {
      expect(await bench.images.find(`${front.host}/beside-${n}:1`, soon())).toBeDefined();
    }
  });

  it('hold blobs that were there, so that removing their other image does no harm (CTD-49)', async () => {
    seed += 1;
    const common = bulkLayer(MIB, seed);
    seed += 1;
    const first = await pushTestImage(registry, 'holder:1', { busybox: false, layers: [common] });
    const image = buildTestImage({ busybox: false, layers: [common, bulkLayer(BULK, seed)] });
    await pushTestImage(registry, 'held:1', image);
    const [held, late] = image.native.layers;
    if (held === undefined || late === undefined) throw new Error('no layers');
    await pull(first.reference);
    const gate = Promise.withResolvers<void>();
    front.disturb = ({ path }) => {
      if (!isBlob(path, late)) return undefined;
      gate.resolve();
      return { rate: 4 * MIB };
    };
    const second = pull(`${front.host}/held:1`);
    await gate.promise;
    await bench.images.remove(first.reference, soon());
    expect(await blobInfo(bench.client, held.digest, soon())).toBeDefined();
    await second;
    expect(front.requests.filter(({ path }) => isBlob(path, held))).toEqual([]);
    expect(await bench.images.find(`${front.host}/held:1`, soon())).toBeDefined();
  });
});

describe('a pull that is cancelled', () => {
  it.each(['fetching', 'unpacking'])(
    'while %s leaves no ingest, lease or extraction behind (CTD-15)',
    async (phase) => {
      const { reference, layer } = await bulkImage(`cancel-${phase}`);
      front.disturb = ({ path }) =>
        isBlob(path, layer) && phase === 'fetching' ? { stallAfter: 2 * MIB } : undefined;
      const controller = new AbortController();
      const pulling = bench.images.pull({ reference }, { signal: controller.signal });
      const ended = expect(pulling).rejects.toThrow('task stopped');
      if (phase === 'fetching') {
        const ref = ingestRef('layer', layer.digest);
        const offset = async () => (await ingestOffset(bench.client, ref, soon())) ?? 0;
        await until(async () => (await offset()) >= MIB, { what: 'bytes are in' });
        expect((await leaks.findings()).some((finding) => finding.startsWith('lease'))).toBe(true);
      } else {
        // It is over within a moment: nothing slow may come before the look for it.
        await until(
          async () => (await snapshotNames(bench.client)).some((name) => name.includes('extract-')),
          {
            what: 'an extraction is there',
            intervalMs: 1,
          },
        );
      }
      controller.abort(new Error('task stopped'));
      await ended;
      expect(await leaks.findings()).toEqual([]);
      expect(await blobInfo(bench.client, layer.digest, soon())).toBeUndefined();
      front.disturb = () => undefined;
      await pull(reference);
    },
  );

  it('by the death of its agent is gone on with by the next, and then freed (CTD-46)', async () => {
    const { reference, layer } = await bulkImage('killed');
    front.disturb = ({ path, range }) =>
      isBlob(path, layer) && range === undefined ? { stallAfter: 2 * MIB } : undefined;
    const args = [PULL_CHILD, containerd.address, NAMESPACE, reference];
    const agent = spawn(process.execPath, args, { stdio: 'ignore' });
    const ref = ingestRef('layer', layer.digest);
    const offset = async () => (await ingestOffset(bench.client, ref, soon())) ?? 0;
    await until(async () => (await offset()) >= MIB, { what: 'bytes are in' });
    agent.kill('SIGKILL');
    await once(agent, 'exit');
    const { leases } = await bench.client.unary('leases', 'List', {}, soon());
    const expiry = Date.parse(leases?.[0]?.labels['containerd.io/gc.expire'] ?? '');
    expect(expiry - Date.now()).toBeGreaterThan(23 * 3_600_000);
    await pull(reference);
    expect(rangesOf(layer).at(-1)).toMatch(/^bytes=[1-9]\d+-$/);
    expect((await leaks.findings()).filter((finding) => finding.startsWith('lease'))).toHaveLength(1);
    await bench.images.removeStalePulls(soon());
    await leaks.expectNone();
  });
});

describe('a restart of containerd', () => {
  it('in the middle of a pull is outlived', async () => {
    const { reference, layer } = await bulkImage('restart');
    await using patient = await openImages(containerd, {
      namespace: NAMESPACE,
      pullRetry: {
        attempts: QUICK_RETRY.attempts,
        backoff: { minMs: 500, maxMs: 2_000, factor: 2, jitter: 0.2 },
      },
    });
    const gate = Promise.withResolvers<void>();
    front.disturb = ({ path }) => {
      if (!isBlob(path, layer)) return undefined;
      gate.resolve();
      return { rate: 2 * MIB };
    };
    const pulling = patient.images.pull({ reference }, soon());
    await gate.promise;
    await containerd.restart();
    expect(await pulling).toMatchObject({ name: reference });
  });
});

/** The image with another configuration. */
function withConfig(image: TestImage, config: object): TestImage {
  const blob = (mediaType: string, value: object): Blob => {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    return { mediaType, digest, size: bytes.length, bytes };
  };
  const { native } = image;
  const newConfig = blob(native.config.mediaType, config);
  const document = JSON.parse(native.manifest.bytes.toString());
  document.config = { mediaType: newConfig.mediaType, digest: newConfig.digest, size: newConfig.size };
  const manifest = blob(native.manifest.mediaType, document);
  const changed = { ...native, config: newConfig, manifest };
  return { top: manifest, native: changed, manifests: [changed] };
}
