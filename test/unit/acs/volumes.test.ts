import { describe, expect, it } from 'vitest';
import { attachedVolumeNames, parseAttachments } from '../../../src/acs/attachments.ts';
import { parseVolumes } from '../../../src/acs/volumes.ts';
import type { PayloadVolume } from '../../../src/wire/acs-payload.ts';

const none: ReadonlySet<string> = new Set();
const attachment = (attachmentType: string, properties: Record<string, string>) => ({
  attachmentType,
  attachmentProperties: Object.entries(properties).map(([name, value]) => ({ name, value })),
});
const EBS = { volumeId: 'vol-1', volumeName: 'data', sourceVolumeHostPath: 'x_vol-1' };

describe('volumes of a payload', () => {
  it.each([undefined, null, '', 'host'])('are host volumes when the type is %j (ACS-57, RES-34)', (type) => {
    const [volume] = parseVolumes([{ name: 'v', type, host: { sourcePath: '/srv' } }], none);
    expect(volume).toEqual({ kind: 'volume', volume: { kind: 'hostPath', name: 'v', path: '/srv' } });
  });

  it.each([{}, { sourcePath: '' }, { sourcePath: null }])(
    'are private to the task with host %j (ACS-90)',
    (host) => {
      expect(parseVolumes([{ name: 'v', host }], none)).toEqual([
        {
          kind: 'volume',
          volume: { kind: 'local', name: 'v', scope: 'task', autoprovision: false, options: {}, labels: {} },
        },
      ]);
    },
  );

  it.each(['amazonebs', 's3files'])(
    'may lack type and host when an %s attachment brings them (ACS-58)',
    (type) => {
      const attached = attachedVolumeNames(parseAttachments([attachment(type, EBS)], []));
      expect(parseVolumes([{ name: 'data' }], attached)).toEqual([{ kind: 'attached', name: 'data' }]);
      expect(() => parseVolumes([{ name: 'other' }], attached)).toThrow('no host object');
    },
  );

  it('know docker, EFS and FSx', () => {
    const volumes = [
      { name: 'a', type: 'docker', dockerVolumeConfiguration: {} },
      { name: 'b', type: 'efs', efsVolumeConfiguration: {} },
      { name: 'c', type: 'fsxWindowsFileServer', fsxWindowsFileServerVolumeConfiguration: {} },
    ];
    expect(parseVolumes(volumes, none).map(({ kind }) => kind)).toEqual([
      'volume',
      'unsupported',
      'unsupported',
    ]);
    for (const { name, type } of volumes)
      expect(() => parseVolumes([{ name, type }], none)).toThrow('configuration object');
  });
});

describe('docker volumes of a payload', () => {
  const read = (dockerVolumeConfiguration: PayloadVolume['dockerVolumeConfiguration']) =>
    parseVolumes([{ name: 'v', type: 'docker', dockerVolumeConfiguration }], none)[0];

  it('keep scope, options and labels', () => {
    const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' };
    expect(
      read({
        scope: 'shared',
        autoprovision: true,
        driver: 'local',
        driverOpts: options,
        labels: { a: 'b' },
      }),
    ).toEqual({
      kind: 'volume',
      volume: { kind: 'local', name: 'v', scope: 'shared', autoprovision: true, options, labels: { a: 'b' } },
    });
  });

  it('of another driver or scope are named as not supported', () => {
    expect(read({ driver: 'rexray' })).toEqual({
      kind: 'unsupported',
      name: 'v',
      what: 'docker, driver rexray',
    });
    expect(read({ scope: 'world' })).toMatchObject({ what: 'docker, scope world' });
  });

  it('without a name are refused (RES-33)', () => {
    expect(() => parseVolumes([{ type: 'host', host: {} }], none)).toThrow('a volume has no name');
  });
});

describe('attachments of a payload', () => {
  it('of a type that means nothing here are passed over', () => {
    expect(parseAttachments([attachment('fancy', {})], [])).toEqual([]);
  });

  it.each([
    ['a missing EBS property', attachment('amazonebs', { ...EBS, volumeId: '' })],
    ['an empty optional EBS property', attachment('amazonebs', { ...EBS, fileSystem: '' })],
    [
      'a Service Connect container that is not there',
      attachment('serviceconnectdetail', { ContainerName: 'x', ServiceConnectConfig: '{}' }),
    ],
    ['Service Connect without configuration', attachment('serviceconnectdetail', { ContainerName: 'proxy' })],
    [
      'a Service Connect configuration that is no object',
      attachment('serviceconnectdetail', { ContainerName: 'proxy', ServiceConnectConfig: '[]' }),
    ],
  ])('are refused with %s', (_, one) => {
    expect(() => parseAttachments([one], ['proxy'])).toThrow();
  });
});
