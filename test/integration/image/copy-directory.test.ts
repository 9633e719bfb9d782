import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageService, LocalImage } from '../../../src/image/images.ts';
import { DockerImages } from '../../../src/runtime/docker/images/docker-images.ts';
import { openDocker } from '../../../src/runtime/docker/open-docker.ts';
import { startContainerd } from '../../support/containerd.ts';
import { startDockerd } from '../../support/dockerd.ts';
import { leakCheck } from '../../support/leak-check.ts';
import { pushTestImage } from '../../support/push-image.ts';
import { startRegistry } from '../../support/registry.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import type { TarEntry } from '../../support/tar.ts';
import { openImages, soon } from './image-bench.ts';

const NAMESPACE = 'copies';
const LAYERS: readonly (readonly TarEntry[])[] = [
  [
    { path: 'srv', type: 'directory' },
    { path: 'srv/data', type: 'directory', mode: 0o1770, uid: 1234, gid: 5678 },
    { path: 'srv/data/old', type: 'file', content: 'old' },
    { path: 'srv/data/gone', type: 'file', content: 'x' },
    { path: 'srv/data/link', type: 'symlink', target: '/etc/passwd' },
    { path: 'srv/data/below', type: 'directory', uid: 1 },
    { path: 'srv/data/below/file', type: 'file', content: 'deep', mode: 0o4711, uid: 1, gid: 2 },
    { path: 'var', type: 'directory' },
    { path: 'var/way', type: 'symlink', target: '/srv/data' },
  ],
  [
    { path: 'srv', type: 'directory' },
    { path: 'srv/data', type: 'directory', mode: 0o1770, uid: 1234, gid: 5678 },
    { path: 'srv/data/old', type: 'file', content: 'new' },
    { path: 'srv/data/.wh.gone', type: 'file' },
  ],
  // Enough of them that their absolute paths fill the page that mount options may have.
  ...Array.from({ length: 60 }, (_, i): readonly TarEntry[] => [
    { path: `many-${i}`, type: 'file', content: String(i) },
  ]),
];

/** A runtime's image service with the image in it. */
interface Bench extends AsyncDisposable {
  readonly images: ImageService;
  readonly image: LocalImage;
  expectNothingLeft(): Promise<void>;
}

async function onContainerd(): Promise<Bench> {
  const [containerd, registry] = await Promise.all([startContainerd(), startRegistry()]);
  const bench = await openImages(containerd, { namespace: NAMESPACE });
  const { reference } = await pushTestImage(registry, 'content:1', { layers: LAYERS });
  const image = await bench.images.pull({ reference }, soon());
  const leaks = await leakCheck({ containerd, namespaces: [NAMESPACE] });
  return {
    images: bench.images,
    image,
    expectNothingLeft: () => leaks.expectNone(),
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]();
      await Promise.all([registry.stop(), containerd.stop()]);
    },
  };
}

async function onDockerd(): Promise<Bench> {
  const dockerd = await startDockerd();
  await dockerd.load('content:1', { layers: LAYERS });
  const { client, runtime } = await openDocker({ socketPath: dockerd.socketPath, owner: 'ecs' });
  const images = new DockerImages({ client, owner: 'ecs' });
  const image = await images.find('content:1', soon());
  if (image === undefined) throw new Error('dockerd has no image');
  return {
    images,
    image,
    expectNothingLeft: async () => expect((await dockerd.docker('ps', '-aq')).trim()).toBe(''),
    [Symbol.asyncDispose]: async () => {
      await images.close();
      await runtime.close();
      await dockerd[Symbol.asyncDispose]();
    },
  };
}

describe.each([
  ['containerd', onContainerd],
  ['dockerd', onDockerd],
])('content of an image of %s', (_, open) => {
  let bench: Bench;
  let scratch: Scratch;
  beforeAll(async () => {
    scratch = makeScratch();
    bench = await open();
  }, 60_000);
  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]();
    await scratch?.remove();
  });

  const copy = async (path: string, name: string) => {
    const directory = scratch.path(name);
    mkdirSync(directory, { recursive: true });
    return await bench.images.copyDirectory(bench.image, path, directory, soon());
  };

  it.each(['/srv/data', '/var/way/'])('is copied from %s with owners, modes and links', async (path) => {
    const target = `to${path.length}`;
    expect(await copy(path, target)).toBe('copied');
    const directory = scratch.path(target);
    expect(readdirSync(directory).sort()).toEqual(['below', 'link', 'old']);
    expect(readFileSync(`${directory}/old`, 'utf8')).toBe('new');
    expect(readlinkSync(`${directory}/link`)).toBe('/etc/passwd');
    expect(statSync(directory)).toMatchObject({ uid: 1234, gid: 5678 });
    expect(statSync(directory).mode & 0o7777).toBe(0o1770);
    const file = lstatSync(`${directory}/below/file`);
    expect([file.uid, file.gid, file.mode & 0o7777]).toEqual([1, 2, 0o4711]);
    await bench.expectNothingLeft();
  });

  it('is copied again over what an earlier copy left', async () => {
    mkdirSync(scratch.path('half'));
    writeFileSync(scratch.path('half/old'), 'half');
    expect(await copy('/srv/data', 'half')).toBe('copied');
    expect(readFileSync(scratch.path('half/old'), 'utf8')).toBe('new');
  });

  it('is not copied from where nothing or no directory is', async () => {
    expect(await copy('/nowhere/at/all', 'none')).toBe('absent');
    expect(await copy('/srv/data/old', 'none')).toBe('notADirectory');
    expect(readdirSync(scratch.path('none'))).toEqual([]);
  });
});
