import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CHUNK_BYTES } from '../../../src/image/registry/blob-download.ts';
import { RegistryHosts } from '../../../src/runtime/containerd/registry-hosts/registry-hosts.ts';
import { bulkLayer } from '../../support/base-layer.ts';
import { startContainerd, type TestContainerd } from '../../support/containerd.ts';
import { freePort } from '../../support/free-port.ts';
import { pushTestImage } from '../../support/push-image.ts';
import {
  type CertificateFiles,
  makeCertificate,
  startRegistry,
  type TestRegistry,
} from '../../support/registry.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { buildTestImage } from '../../support/test-image.ts';
import { type ImageBench, openImages, soon } from './image-bench.ts';
import { type RegistryFront, startFront } from './registry-front.ts';

const LOGIN = { username: 'tester', password: 'correct-horse' };

let containerd: TestContainerd;
/** The registry that images are named after wants a login, and its mirror wants none. */
let upstream: TestRegistry;
let mirror: TestRegistry;
let upstreamFront: RegistryFront;
let mirrorFront: RegistryFront;
let scratch: Scratch;
let seed = 0;
beforeAll(async () => {
  scratch = makeScratch();
  [containerd, upstream, mirror] = await Promise.all([
    startContainerd(),
    startRegistry({ auth: 'basic' }),
    startRegistry(),
  ]);
  [upstreamFront, mirrorFront] = await Promise.all([startFront(upstream.port), startFront(mirror.port)]);
});
afterEach(() => {
  for (const front of [upstreamFront, mirrorFront]) {
    front.disturb = () => undefined;
    front.requests.length = 0;
  }
});
afterAll(async () => {
  await Promise.all([upstreamFront?.close(), mirrorFront?.close()]);
  await Promise.all([upstream?.stop(), mirror?.stop(), containerd?.stop()]);
  await scratch?.remove();
});

/** An image service that reads this hosts.toml for the upstream, and an image that both registries have. */
async function world(
  hosts: string,
  layerBytes = 1_000,
): Promise<
  { readonly bench: ImageBench; readonly pull: () => Promise<readonly string[]> } & AsyncDisposable
> {
  seed += 1;
  const root = scratch.path(`hosts-${seed}`);
  const directory = `${root}/${upstreamFront.host.replace(':', '_')}_`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/hosts.toml`, hosts);
  const image = buildTestImage({ busybox: false, compress: 'none', layers: [bulkLayer(layerBytes, seed)] });
  const name = `mirrored-${seed}:1`;
  for (const registry of [upstream, mirror]) await pushTestImage(registry, name, image);
  const endpoints = new RegistryHosts({ directories: async () => [root] });
  const bench = await openImages(containerd, {
    namespace: 'mirrors',
    registry: { endpoints, inactivityMs: 2_000 },
  });
  const pull = async () => {
    const troubles: string[] = [];
    const onProgress = ({ trouble }: { readonly trouble?: string }) => {
      if (trouble !== undefined) troubles.push(trouble);
    };
    const reference = `${upstreamFront.host}/${name}`;
    await bench.images.pull({ reference, credentials: LOGIN, onProgress }, soon());
    expect(await bench.images.find(reference, soon())).toMatchObject({ name: reference });
    return troubles;
  };
  return { bench, pull, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() };
}

/** A certificate and its key in one file. */
function bothIn({ certFile, keyFile }: CertificateFiles): readonly string[] {
  const file = scratch.path(`both-${seed}.pem`);
  writeFileSync(file, [certFile, keyFile].map((part) => readFileSync(part, 'utf8')).join(''));
  return [file];
}

const toMirror = (settings = '') => `[host."http://${mirrorFront.host}"]\n${settings}`;
const pathsAt = ({ requests }: RegistryFront) => requests.map(({ path }) => path.replace(/\?.*/, ''));

describe('a mirror', () => {
  it('is asked in place of the registry, says for whom, and never sees the credentials', async () => {
    await using images = await world(toMirror());
    expect(await images.pull()).toEqual([]);
    expect(upstreamFront.requests).toEqual([]);
    expect(mirrorFront.requests.length).toBeGreaterThan(2);
    for (const { authorization, path } of mirrorFront.requests) {
      expect(authorization).toBeUndefined();
      expect(path).toContain(`?ns=${encodeURIComponent(upstreamFront.host)}`);
    }
  });

  it('that asks for a login is not given that of the registry', async () => {
    await using images = await world(toMirror());
    mirrorFront.disturb = () => ({
      answer: { status: 401, headers: { 'www-authenticate': 'Basic realm="mirror"' } },
    });
    expect((await images.pull())[0]).toContain(`registry ${mirrorFront.host} answered 401`);
    for (const { authorization } of mirrorFront.requests) expect(authorization).toBeUndefined();
  });

  it('may have a login of its own in its headers', async () => {
    const basic = `Basic ${Buffer.from('mirror:secret').toString('base64')}`;
    await using images = await world(toMirror(`header = { Authorization = "${basic}" }`));
    await images.pull();
    for (const { authorization } of mirrorFront.requests) expect(authorization).toBe(basic);
  });

  it.each([
    ['404', { answer: { status: 404 } }, /answered 404/],
    ['429', { answer: { status: 429, headers: { 'retry-after': '3600' } } }, /answered 429/],
    ['503', { answer: { status: 503, body: 'maintenance' } }, /answered 503: maintenance/],
    ['silence', { hang: true }, /said nothing for 2 s/],
  ])('that answers with %s is passed over, and that is told', async (_, disturbance, trouble) => {
    await using images = await world(toMirror());
    mirrorFront.disturb = () => disturbance;
    const [first] = await images.pull();
    expect(first).toMatch(trouble);
    expect(first).toContain(`registry ${mirrorFront.host}`);
    expect(pathsAt(upstreamFront).some((path) => path.includes('/blobs/'))).toBe(true);
  });

  it('that nobody answers at is tried once a pull', async () => {
    const port = await freePort();
    await using images = await world(`[host."http://127.0.0.1:${port}"]\n${toMirror()}`);
    const troubles = await images.pull();
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toMatch(new RegExp(`registry 127.0.0.1:${port} could not be reached.*ECONNREFUSED`));
    expect(upstreamFront.requests).toEqual([]);
  });

  it('that breaks off in the midst of a layer is gone on from at the registry', async () => {
    await using images = await world(toMirror(), 3 * CHUNK_BYTES);
    mirrorFront.disturb = ({ path, range }) =>
      path.includes('/blobs/') && range !== undefined ? { cutAfter: 1_000_000 } : undefined;
    await images.pull();
    const ranges = upstreamFront.requests.map(({ range }) => range);
    expect(ranges).toContain(`bytes=1000000-${CHUNK_BYTES - 1}`);
  });

  it('that sends another manifest than was asked for is passed over', async () => {
    await using images = await world(toMirror('capabilities = ["pull"]'));
    const image = `${upstreamFront.host}/mirrored-${seed}:1`;
    const digest = await images.bench.images.resolveDigest({ reference: image, credentials: LOGIN }, soon());
    mirrorFront.disturb = ({ path }) =>
      path.includes('/manifests/')
        ? { alter: (bytes) => Buffer.from(bytes.map((byte) => byte ^ 1)) }
        : undefined;
    await images.bench.images.pull({ reference: image, digest: digest ?? '', credentials: LOGIN }, soon());
    const path = `/v2/mirrored-${seed}/manifests/${digest}`;
    expect(pathsAt(mirrorFront)).toContain(path);
    expect(pathsAt(upstreamFront)).toContain(path);
  });

  it('that may only be pulled from does not say what a tag is', async () => {
    await using images = await world(toMirror('capabilities = ["pull"]'));
    await images.pull();
    expect(pathsAt(upstreamFront).every((path) => path.endsWith('/manifests/1'))).toBe(true);
    expect(pathsAt(mirrorFront).length).toBeGreaterThan(0);
    expect(pathsAt(mirrorFront).some((path) => path.endsWith('/manifests/1'))).toBe(false);
  });

  it('that fails like the registry after it is told with it', async () => {
    await using images = await world(toMirror());
    mirrorFront.disturb = () => ({ answer: { status: 404, body: 'not here' } });
    upstreamFront.disturb = () => ({ answer: { status: 403, body: 'not for you' } });
    await expect(images.pull()).rejects.toThrow(
      `registry ${upstreamFront.host} answered 403: not for you (before that, mirror ${mirrorFront.host} answered 404: not here)`,
    );
  });
});

describe('a mirror by TLS', () => {
  it.each([
    ['whose authority the file names', (ca: string) => `ca = ${JSON.stringify(ca)}`, true],
    ['that is not to be verified', () => 'skip_verify = true', true],
    ['that nobody knows', () => '', false],
  ])('%s', async (_, settings, isTrusted) => {
    await using secure = await startRegistry({ tls: true });
    await using images = await world(`[host."${secure.url}"]\n${settings(secure.caFile ?? '')}`);
    const name = `mirrored-${seed}:1`;
    await pushTestImage(secure, name, { busybox: false, layers: [bulkLayer(1_000, seed)] });
    const troubles = await images.pull();
    expect(troubles.some((trouble) => trouble.includes('certificate not accepted'))).toBe(!isTrusted);
    expect(upstreamFront.requests.length === 0).toBe(isTrusted);
  });
});

describe('a mirror that lets in only whom it knows', () => {
  it.each([
    [
      'by a certificate and its key',
      ({ certFile, keyFile }: CertificateFiles) => [[certFile, keyFile]],
      true,
    ],
    ['lets the agent in by a file that holds both', (files: CertificateFiles) => bothIn(files), true],
    ['is passed over without a certificate', () => [], false],
  ])('%s', async (_, clientOf, isLetIn) => {
    await using secure = await startRegistry({ wantsCertificate: true });
    const { client } = secure;
    if (client === undefined) throw new Error('a registry that wants no certificate');
    const settings = [
      `ca = ${JSON.stringify(secure.caFile)}`,
      `client = ${JSON.stringify(clientOf(client))}`,
    ];
    await using images = await world(`[host."${secure.url}"]\n${settings.join('\n')}`);
    const name = `mirrored-${seed}:1`;
    await pushTestImage(secure, name, { busybox: false, layers: [bulkLayer(1_000, seed)] });
    const pushed = secure.requests().length;
    const troubles = await images.pull();
    expect(troubles.some((trouble) => trouble.includes('certificate of its client'))).toBe(!isLetIn);
    expect(upstreamFront.requests.length === 0).toBe(isLetIn);
    expect(secure.requests().length > pushed).toBe(isLetIn);
  });

  it('is passed over with a certificate that it does not know', async () => {
    await using secure = await startRegistry({ wantsCertificate: true });
    const { certFile, keyFile } = await makeCertificate(scratch, 'stranger');
    const settings = [
      `ca = ${JSON.stringify(secure.caFile)}`,
      `client = ${JSON.stringify([[certFile, keyFile]])}`,
    ];
    await using images = await world(`[host."${secure.url}"]\n${settings.join('\n')}`);
    expect((await images.pull())[0]).toContain('does not accept the certificate of its client');
  });

  it('sends on to a host that does not see the certificate', async () => {
    const { certFile, keyFile } = await makeCertificate(scratch, 'servers');
    const own = await makeCertificate(scratch, 'agent');
    const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    await using near = await startFront(mirror.port, tls);
    await using far = await startFront(mirror.port, tls);
    near.disturb = ({ path }) =>
      path.includes('/blobs/')
        ? { answer: { status: 307, headers: { location: `https://${far.host}${path}` } } }
        : undefined;
    const settings = [
      `ca = ${JSON.stringify(certFile)}`,
      `client = ${JSON.stringify([[own.certFile, own.keyFile]])}`,
    ];
    await using images = await world(`[host."https://${near.host}"]\n${settings.join('\n')}`);
    expect(await images.pull()).toEqual([]);
    expect(new Set(near.requests.map(({ certificate }) => certificate))).toEqual(new Set(['agent']));
    expect(far.requests.length).toBeGreaterThan(0);
    expect(new Set(far.requests.map(({ certificate }) => certificate))).toEqual(new Set([undefined]));
  });
});

it('shows the registry itself the certificate that lies in its directory', async () => {
  await using secure = await startRegistry({ wantsCertificate: true });
  const { client } = secure;
  if (client === undefined || secure.caFile === undefined) throw new Error('no certificates');
  seed += 1;
  const root = scratch.path(`certs-${seed}`);
  const directory = `${root}/${secure.host}`;
  mkdirSync(directory, { recursive: true });
  copyFileSync(secure.caFile, `${directory}/ca.crt`);
  copyFileSync(client.certFile, `${directory}/client.cert`);
  copyFileSync(client.keyFile, `${directory}/client.key`);
  const layers = [bulkLayer(1_000, seed)];
  const { reference } = await pushTestImage(secure, 'own:1', { busybox: false, layers });
  const endpoints = new RegistryHosts({ directories: async () => [root] });
  await using bench = await openImages(containerd, { namespace: 'mirrors', registry: { endpoints } });
  await bench.images.pull({ reference }, soon());
  expect(await bench.images.find(reference, soon())).toMatchObject({ name: reference });
});

it('asks the server that the file names instead of the registry', async () => {
  await using images = await world(`server = "http://${mirrorFront.host}"`);
  await images.pull();
  expect(upstreamFront.requests).toEqual([]);
});

it('does not pull by a file that it cannot read', async () => {
  await using images = await world('[host');
  await expect(images.pull()).rejects.toThrow(/hosts.toml cannot be read/);
  expect(upstreamFront.requests).toEqual([]);
});
