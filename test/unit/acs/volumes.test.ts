import { describe, expect, it } from 'vitest';
import { attachedVolumeNames, parseAttachments } from '../../../src/acs/attachments.ts';
import { parseVolumes } from '../../../src/acs/volumes.ts';

const none: ReadonlySet<string> = new Set();
const attachment = (attachmentType: string, properties: Record<string, string>) => ({
  attachmentType,
  attachmentProperties: Object.entries(properties).map(([name, value]) => ({ name, value })),
});
const EBS = { volumeId: 'vol-1', volumeName: 'data', sourceVolumeHostPath: 'x_vol-1' };

describe('volumes of a payload', () => {
  it.each([undefined, null, '', 'host'])('are host volumes when the type is %j (ACS-57)', (type) => {
    const [volume] = parseVolumes([{ name: 'v', type, host: { sourcePath: '/srv' } }], none);
    expect(volume).toEqual({ kind: 'hostPath', name: 'v', path: '/srv' });
  });

  it.each([{}, { sourcePath: '' }, { sourcePath: null }])(
    'are private to the task with host %j (ACS-90)',
    (host) => {
      expect(parseVolumes([{ name: 'v', host }], none)).toEqual([{ kind: 'private', name: 'v' }]);
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
      'docker',
      'efs',
      'fsxWindowsFileServer',
    ]);
    for (const { name, type } of volumes)
      expect(() => parseVolumes([{ name, type }], none)).toThrow('configuration object');
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
