import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RegistryHosts } from '../../../src/runtime/containerd/registry-hosts/registry-hosts.ts';
import { startContainerd, type TestContainerd } from '../../support/containerd.ts';
import { type PushedImage, pushTestImage } from '../../support/push-image.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { openImages, soon } from './image-bench.ts';
import { type RegistryFront, startFront } from './registry-front.ts';
import { startTokenServer, type TokenServer } from './token-server.ts';

const REPOSITORY = 'docker/library/busybox';

let scratch: Scratch;
let containerd: TestContainerd;
let registry: TestRegistry;
let front: RegistryFront;
let store: RegistryFront;
let tokens: TokenServer;
let pushed: PushedImage;

/** As public.ecr.aws does it: tokens for all of it to whoever asks, and layers from a store elsewhere that takes none. */
beforeAll(async () => {
  scratch = makeScratch();
  [containerd, registry] = await Promise.all([startContainerd(), startRegistry()]);
  [front, store] = await Promise.all([startFront(registry.port), startFront(registry.port)]);
  tokens = await startTokenServer(
    { username: 'AWS', password: 'unused' },
    { anonymous: true, member: 'token' },
  );
  pushed = await pushTestImage(registry, `${REPOSITORY}:1`);
  front.disturb = ({ path, authorization }) => {
    if (authorization !== `Bearer ${tokens.tokens.at(-1)}`) {
      const challenge = `Bearer realm="${tokens.realm}",service="public.ecr.aws",scope="aws"`;
      return { answer: { status: 401, headers: { 'www-authenticate': challenge } } };
    }
    if (!path.includes('/blobs/')) return undefined;
    return { answer: { status: 307, headers: { location: `http://${store.host}${path}` } } };
  };
  mkdirSync(scratch.path('public.ecr.aws'));
  writeFileSync(scratch.path('public.ecr.aws/hosts.toml'), `server = "http://${front.host}"\n`);
});
afterAll(async () => {
  await tokens?.[Symbol.asyncDispose]();
  await Promise.all([front?.close(), store?.close()]);
  await Promise.all([registry?.stop(), containerd?.stop()]);
  await scratch?.remove();
});

it('images of public ECR are pulled without a login, under their name, and without its token elsewhere', async () => {
  const endpoints = new RegistryHosts({ directories: async () => [scratch.directory] });
  await using bench = await openImages(containerd, { namespace: 'public-ecr', registry: { endpoints } });
  const reference = `public.ecr.aws/${REPOSITORY}:1`;
  await bench.images.pull({ reference }, soon());
  expect(await bench.images.find(reference, soon())).toMatchObject({
    name: reference,
    digest: pushed.digest,
  });
  expect(
    tokens.requests.map(({ query, authorization }) => [Object.fromEntries(query), authorization]),
  ).toEqual([[{ service: 'public.ecr.aws', scope: 'aws' }, undefined]]);
  expect(front.requests.filter(({ status }) => status === 401)).toHaveLength(1);
  expect(store.requests.length).toBeGreaterThan(0);
  expect(store.requests.map(({ authorization }) => authorization).filter((one) => one !== undefined)).toEqual(
    [],
  );
});
