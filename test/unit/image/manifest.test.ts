import { describe, expect, it } from 'vitest';
import {
  choosePlatform,
  type Descriptor,
  machinePlatform,
  parseImageConfig,
  parseManifest,
  UnsupportedImageError,
} from '../../../src/image/manifest.ts';

const digest = (n: number) => `sha256:${String(n).padStart(64, '0')}`;
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const layer = (mediaType: string, extra: object = {}) => ({
  mediaType,
  digest: digest(2),
  size: 2,
  ...extra,
});
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digest(1), size: 1 };
const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json';
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';

describe('parseManifest', () => {
  it('reads images and indexes, by their own type, that of the answer, or their shape', () => {
    const image = { schemaVersion: 2, config, layers: [layer(OCI_LAYER)] };
    expect(parseManifest(bytes(image), '')).toMatchObject({
      kind: 'image',
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
    });
    expect(parseManifest(bytes(image), DOCKER)).toMatchObject({ kind: 'image', mediaType: DOCKER });
    const index = { schemaVersion: 2, manifests: [] };
    expect(parseManifest(bytes({ ...index, mediaType: DOCKER_LIST }), 'text/plain')).toMatchObject({
      kind: 'index',
      mediaType: DOCKER_LIST,
    });
    expect(parseManifest(bytes(index), '')).toMatchObject({
      kind: 'index',
      mediaType: 'application/vnd.oci.image.index.v1+json',
    });
  });

  it.each([
    'application/vnd.docker.distribution.manifest.v1+json',
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
    'application/json',
  ])('knows schema 1 as %s (ENG-98)', (type) => {
    expect(parseManifest(bytes({ schemaVersion: 1, fsLayers: [] }), type)).toEqual({ kind: 'schema1' });
  });

  it.each([
    ['not JSON', Buffer.from('<html>'), 'is not JSON'],
    ['no manifest', bytes({ schemaVersion: 2 }), 'the manifest is not valid'],
    ['a bad digest', bytes({ config: { ...config, digest: 'sha256:../x' }, layers: [] }), 'not a digest'],
    [
      'a foreign layer',
      bytes({ config, layers: [layer('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')] }),
      'foreign layer',
    ],
    [
      'a layer of the OCI kind that must not be handed on',
      bytes({ config, layers: [layer('application/vnd.oci.image.layer.nondistributable.v1.tar')] }),
      'foreign layer',
    ],
    [
      'a layer with urls',
      bytes({ config, layers: [layer(OCI_LAYER, { urls: ['https://x.invalid'] })] }),
      'foreign layer',
    ],
    [
      'a chart',
      bytes({ config, layers: [layer('application/vnd.cncf.helm.chart.content.v1.tar+gzip')] }),
      'no container layer',
    ],
  ])('refuses %s', (_, document, text) => {
    const parse = () => parseManifest(document, '');
    expect(parse).toThrow(UnsupportedImageError);
    expect(parse).toThrow(text);
  });
});

describe('choosePlatform', () => {
  const entry = (n: number, architecture?: string, variant?: string, os = 'linux'): Descriptor => ({
    mediaType: DOCKER,
    digest: digest(n),
    size: 1,
    ...(architecture && { platform: { os, architecture, ...(variant && { variant }) } }),
  });
  const amd64 = machinePlatform('x64');
  const arm64 = machinePlatform('arm64');

  it.each([
    [
      'amd64 among others',
      amd64,
      [entry(1, 'arm64'), entry(2, 'amd64', undefined, 'windows'), entry(3, 'amd64')],
      3,
    ],
    ['amd64 without a variant before v3', amd64, [entry(1, 'amd64', 'v3'), entry(2, 'amd64')], 2],
    ['arm64 v8 before none', arm64, [entry(1, 'arm64'), entry(2, 'arm64', 'v8')], 2],
    ['arm64 without a variant', arm64, [entry(1, 'arm', 'v7'), entry(2, 'arm64')], 2],
    ['the only one without a platform', amd64, [entry(1)], 1],
  ])('takes %s', (_, platform, manifests, expected) => {
    expect(choosePlatform(manifests, platform).digest).toBe(digest(expected));
  });

  it('takes no SOCI index for an image, whatever its variant (CTD-14)', () => {
    const index = {
      ...entry(2, 'arm64', 'v8'),
      artifactType: 'application/vnd.amazon.soci.index.v2+json',
    };
    expect(choosePlatform([index, entry(1, 'arm64')], arm64).digest).toBe(digest(1));
    expect(choosePlatform([index, entry(1)], arm64).digest).toBe(digest(1));
  });

  it('says what there is when nothing fits, attestations left out', () => {
    const manifests = [
      entry(1, 'arm', 'v7'),
      entry(2, 'amd64', 'v3'),
      entry(3, 'unknown', undefined, 'unknown'),
    ];
    expect(() => choosePlatform(manifests, amd64)).toThrow(
      'no variant for linux/amd64; it offers linux/arm/v7, linux/amd64/v3',
    );
  });
});

describe('parseImageConfig', () => {
  it('gives what a container inherits', () => {
    const parsed = parseImageConfig(
      bytes({
        os: 'linux',
        config: {
          Env: ['A=1', 'B=x=y', 'EMPTY=', 'NOVALUE', '=odd'],
          Entrypoint: ['/e'],
          Cmd: null,
          User: '1000:1000',
          WorkingDir: '/w',
          StopSignal: 'SIGQUIT',
          Volumes: { '/data': {} },
          ExposedPorts: { '80/tcp': {} },
        },
        rootfs: { type: 'layers', diff_ids: [digest(1)] },
      }),
    );
    expect(parsed).toEqual({
      diffIds: [digest(1)],
      config: {
        environment: { A: '1', B: 'x=y', EMPTY: '' },
        entryPoint: ['/e'],
        command: [],
        user: '1000:1000',
        workingDirectory: '/w',
        stopSignal: 'SIGQUIT',
        volumes: ['/data'],
        exposedPorts: ['80/tcp'],
      },
    });
  });

  it('takes an image with nothing in it, and refuses one of another system', () => {
    expect(parseImageConfig(bytes({ rootfs: { diff_ids: null } })).diffIds).toEqual([]);
    expect(() => parseImageConfig(bytes({ os: 'windows', rootfs: {} }))).toThrow('made for windows');
  });
});
