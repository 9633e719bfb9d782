import { describe, expect, it } from 'vitest';
import { parsePayloadTask } from '../../../src/acs/payload-task.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';
import { CLUSTER, wireTask } from './acs-world.ts';

function specOf(task: unknown): TaskSpec {
  const parsed = parsePayloadTask(task, CLUSTER);
  if (parsed.kind !== 'task') throw new Error(`not a task: ${JSON.stringify(parsed)}`);
  return parsed.spec;
}

const withContainer = (members: object, task: object = {}) =>
  wireTask('a1', { ...task, containers: [{ name: 'app', image: 'busybox', essential: true, ...members }] });
const dockerConfig = (config: object, hostConfig: object = {}) => ({
  dockerConfig: { version: '1.24', config: JSON.stringify(config), hostConfig: JSON.stringify(hostConfig) },
});
const unsupportedOf = (task: unknown) => specOf(task).unsupported;

describe('what cannot be honoured', () => {
  const attachment = (attachmentType: string, properties: Record<string, string>) => ({
    attachmentType,
    attachmentProperties: Object.entries(properties).map(([name, value]) => ({ name, value })),
  });
  const eni = {
    ec2Id: 'eni-1',
    macAddress: '02:00',
    ipv4Addresses: [{ privateAddress: '10.0.0.1' }],
    subnetGatewayIpv4Address: '10.0.0.1/24',
  };

  it.each([
    ['elasticNetworkInterfaces=none', { networkMode: 'awsvpc' }],
    ['networkMode=macvlan', { networkMode: 'macvlan' }],
    [
      'volumes=v (docker, driver rexray)',
      { volumes: [{ name: 'v', type: 'docker', dockerVolumeConfiguration: { driver: 'rexray' } }] },
    ],
    [
      'attachments=serviceconnectdetail',
      {
        attachments: [
          attachment('serviceconnectdetail', { ContainerName: 'main', ServiceConnectConfig: '{}' }),
        ],
      },
    ],
    ['elasticNetworkInterfaces=eni-1', { elasticNetworkInterfaces: [eni] }],
    [
      'associations=elastic-inference',
      {
        associations: [
          { type: 'elastic-inference', name: 'dev1', containers: ['main'] },
          { type: 'gpu', name: '0', containers: ['main'] },
        ],
      },
    ],
    ['proxyConfiguration=APPMESH', { proxyConfiguration: { type: 'APPMESH' } }],
    ['pidMode=container', { pidMode: 'container' }],
    ['ipcMode=shareable', { ipcMode: 'shareable' }],
    ['desiredStatus=CREATED', { desiredStatus: 'CREATED' }],
    ['a task without containers', { containers: [] }],
  ])('of a task: %s', (named, members) => {
    expect(unsupportedOf(wireTask('a1', members))).toEqual([named]);
  });

  it.each([
    ['dependsOn=db SOMETIME', { dependsOn: [{ containerName: 'db', condition: 'SOMETIME' }] }],
    [
      'secrets=TOKEN (provider vault, type ENVIRONMENT_VARIABLE, target )',
      { secrets: [{ name: 'TOKEN', valueFrom: '/p', type: 'ENVIRONMENT_VARIABLE', provider: 'vault' }] },
    ],
    [
      'secrets=TOKEN (provider ssm, type MOUNT_POINT, target )',
      { secrets: [{ name: 'TOKEN', valueFrom: '/p', type: 'MOUNT_POINT', provider: 'ssm' }] },
    ],
    ['healthCheck=without a Healthcheck', { healthCheckType: 'docker' }],
    [
      'healthCheck={"Test":["WHAT","true"]}',
      { healthCheckType: 'docker', ...dockerConfig({ Healthcheck: { Test: ['WHAT', 'true'] } }) },
    ],
    ['managedAgents=ExecuteCommandAgent', { managedAgents: [{ name: 'ExecuteCommandAgent' }] }],
    ['firelensConfiguration=set', { firelensConfiguration: { type: 'fluentbit' } }],
    ['credentialSpecs=credentialspec:x', { credentialSpecs: ['credentialspec:x'] }],
    ['hostConfig.NetworkMode=none', dockerConfig({}, { NetworkMode: 'none' })],
    [
      'hostConfig.SecurityOpt=credentialspec:file://x',
      dockerConfig({}, { SecurityOpt: ['no-new-privileges', 'credentialspec:file://x'] }),
    ],
    ['hostConfig.Binds=["/a:/b"]', dockerConfig({}, { Binds: ['/a:/b'] })],
    ['hostConfig.Links=["a:b"]', dockerConfig({}, { Links: ['a:b'] })],
    ['hostConfig.PidMode="host"', dockerConfig({}, { PidMode: 'host' })],
    ['hostConfig.IpcMode="host"', dockerConfig({}, { IpcMode: 'host' })],
    ['hostConfig.NewLimit=1', dockerConfig({}, { NewLimit: 1 })],
    ['config.MacAddress="02:00"', dockerConfig({ MacAddress: '02:00' })],
    ['config.Image=other', dockerConfig({ Image: 'other' })],
  ])('of a container: %s', (named, members) => {
    expect(unsupportedOf(withContainer(members))).toEqual([`containers[app].${named}`]);
  });

  it('of port mappings: what is no port', () => {
    const portMappings = [{ containerPortRange: '92-90' }, { containerPortRange: 'all' }, { hostPort: 80 }];
    expect(unsupportedOf(withContainer({ portMappings }, { networkMode: 'bridge' }))).toEqual([
      'containers[app].portMappings (92-90 is not a port or a range of ports)',
      'containers[app].portMappings (all is not a port or a range of ports)',
      'containers[app].portMappings (nothing is not a port or a range of ports)',
    ]);
  });

  it('takes ports as single ones and as ranges; a task that names no mode is a bridge task (NET-1, ENG-36)', () => {
    const portMappings = [
      { containerPort: 80, hostPort: 8080, protocol: 'tcp' },
      { containerPort: 53, protocol: 'udp' },
      { containerPortRange: '7000-7004', hostPort: 0 },
    ];
    const task = withContainer({ portMappings }, { networkMode: undefined });
    expect(specOf(task)).toMatchObject({ networkMode: 'bridge', unsupported: [] });
    expect(specOf(task)?.containers[0]?.portMappings).toEqual([
      { protocol: 'tcp', containerPort: 80, hostPort: 8080 },
      { protocol: 'udp', containerPort: 53, hostPort: 0 },
      { protocol: 'tcp', containerPort: 7000, hostPort: 0, rangeLength: 5 },
    ]);
  });

  it('names a container that is there twice', () => {
    const container = { name: 'app', image: 'busybox' };
    expect(unsupportedOf(wireTask('a1', { containers: [container, container] }))).toEqual([
      'containers[app] twice',
    ]);
  });

  it('is not what says the same as our own ways, or nothing', () => {
    const members = {
      dependsOn: [],
      links: [],
      mountPoints: [],
      volumesFrom: [],
      secrets: [],
      restartPolicy: { enabled: false },
      ...dockerConfig(
        {
          Image: 'busybox',
          Healthcheck: { Test: ['NONE'] },
          ExposedPorts: { '80/tcp': {} },
          AttachStdout: true,
        },
        {
          NetworkMode: 'host',
          Privileged: false,
          Init: false,
          Devices: [],
          SecurityOpt: null,
          IpcMode: 'private',
          PidMode: '',
          PidsLimit: -1,
          CgroupParent: '/x',
          RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
          LogConfig: { Type: '', Config: null },
        },
      ),
    };
    expect(unsupportedOf(withContainer(members, { pidMode: '', ipcMode: null, associations: [] }))).toEqual(
      [],
    );
  });

  it('refuses volumes of FSx for Windows (RES-50)', () => {
    const volumes = [
      { name: 'v', type: 'fsxWindowsFileServer', fsxWindowsFileServerVolumeConfiguration: {} },
    ];
    expect(unsupportedOf(wireTask('a1', { volumes }))).toEqual([expect.stringMatching(/^volumes=v .*fsx/i)]);
  });

  it('shows no secret and no environment value', () => {
    const task = withContainer({
      environment: { PASSWORD: 'hunter2' },
      secrets: [{ name: 'TOKEN', valueFrom: 'arn:of:the:secret' }],
      firelensConfiguration: { type: 'fluentbit', options: { key: 'hunter2' } },
    });
    expect(unsupportedOf(task).join()).not.toMatch(/hunter2|arn:of/);
  });

  it('takes the network mode of the containers when the task names none', () => {
    const task = withContainer(dockerConfig({}, { NetworkMode: 'host' }), { networkMode: undefined });
    expect(specOf(task)).toMatchObject({ networkMode: 'host', unsupported: [] });
  });
});
