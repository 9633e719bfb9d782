/** One task definition that both runtimes run; what is given goes over a plain container of the probe. */
export interface ParityCase {
  readonly name: string;
  readonly container?: Readonly<Record<string, unknown>>;
  readonly task?: Readonly<Record<string, unknown>>;
  /** Default `plain`; `full` says everything that an image can say. */
  readonly image?: 'plain' | 'full';
}

const linux = (name: string, linuxParameters: object, container: object = {}): ParityCase => ({
  name: `linuxParameters: ${name}`,
  container: { linuxParameters, ...container },
});
const capabilities = (name: string, given: object): ParityCase => linux(name, { capabilities: given });
const security = (...dockerSecurityOptions: string[]): ParityCase => ({
  name: `dockerSecurityOptions ${dockerSecurityOptions.join(' ')}`,
  container: { dockerSecurityOptions },
});
const volume = (name: string, mountPoint: object, host?: object): ParityCase => ({
  name: `volume: ${name}`,
  container: { mountPoints: [{ sourceVolume: 'data', containerPath: '/data', ...mountPoint }] },
  task: { volumes: [{ name: 'data', ...(host && { host }) }] },
});
const host = { networkMode: 'host' } as const;
const bridge = { networkMode: 'bridge' } as const;
const privileged = { privileged: true } as const;
const device = (hostPath: string, more: object = {}) => ({ hostPath, ...more });
const systemControl = (namespace: string, value: string) => ({ systemControls: [{ namespace, value }] });

/** A folder of the host with devices, which the suite makes. */
export const DEVICE_FOLDER = '/run/ecs-parity-devices';

/** Every option of a task definition that reaches a container at least once, and many of them together. */
export const CASES: readonly ParityCase[] = [
  { name: 'nothing but an image' },
  { name: 'an image that says everything', image: 'full' },
  { name: 'command over a full image', image: 'full', container: { command: ['own', 'arguments'] } },
  { name: 'entryPoint over a full image', image: 'full', container: { entryPoint: ['probe', 'entry'] } },
  {
    name: 'entryPoint and command',
    image: 'full',
    container: { entryPoint: ['sh', '-c', 'probe "$0" "$@"'], command: ['a', 'b c', ''] },
  },
  {
    name: 'environment',
    container: {
      environment: [
        { name: 'A', value: 'b=c d' },
        { name: 'EMPTY', value: '' },
      ],
    },
  },
  {
    name: 'environment over that of the image',
    image: 'full',
    container: {
      environment: [
        { name: 'FROM', value: 'task' },
        { name: 'HOME', value: '/elsewhere' },
      ],
    },
  },
  { name: 'environment: own PATH', container: { environment: [{ name: 'PATH', value: '/bin:/own' }] } },
  { name: 'user by name', container: { user: 'app' } },
  { name: 'user by number', container: { user: '1000' } },
  { name: 'user that the image does not know', container: { user: '4321' } },
  { name: 'user and group by name', container: { user: 'app:extra' } },
  { name: 'user and group by number', container: { user: '4321:44' } },
  { name: 'user over that of the image', image: 'full', container: { user: 'root' } },
  { name: 'workingDirectory', container: { workingDirectory: '/tmp' } },
  {
    name: 'workingDirectory that is not there',
    container: { workingDirectory: '/made/for/it', user: 'app' },
  },
  { name: 'hostname', container: { hostname: 'web' } },
  { name: 'hostname with a domain', container: { hostname: 'web.example.test' } },
  { name: 'dnsServers', container: { dnsServers: ['10.9.8.7', '10.9.8.6'] } },
  { name: 'dnsSearchDomains', container: { dnsSearchDomains: ['example.test', 'other.test'] } },
  { name: 'extraHosts', container: { extraHosts: [{ hostname: 'db', ipAddress: '10.0.0.9' }] } },
  { name: 'host network', task: host },
  { name: 'host network with a hostname', task: host, container: { hostname: 'web' } },
  {
    name: 'host network with names',
    task: host,
    container: {
      extraHosts: [{ hostname: 'db', ipAddress: '10.0.0.9' }],
      dnsServers: ['10.9.8.7'],
      dnsSearchDomains: ['example.test'],
    },
  },
  { name: 'disableNetworking', container: { disableNetworking: true } },
  { name: 'disableNetworking on the host network', task: host, container: { disableNetworking: true } },
  { name: 'bridge network', task: bridge },
  { name: 'bridge network with a hostname', task: bridge, container: { hostname: 'web' } },
  {
    name: 'bridge network with names',
    task: bridge,
    container: {
      extraHosts: [{ hostname: 'db', ipAddress: '10.0.0.9' }],
      dnsServers: ['10.9.8.7'],
      dnsSearchDomains: ['example.test'],
    },
  },
  {
    name: 'bridge network with ports',
    task: bridge,
    container: { portMappings: [{ containerPort: 80 }, { containerPort: 53, protocol: 'udp' }] },
  },
  { name: 'bridge network of a user', task: bridge, image: 'full', container: { user: 'app' } },
  { name: 'bridge network, hardened', task: bridge, container: { readonlyRootFilesystem: true } },
  {
    name: 'bridge network with systemControls',
    task: bridge,
    container: systemControl('net.ipv4.ip_unprivileged_port_start', '1024'),
  },
  { name: 'disableNetworking on the bridge network', task: bridge, container: { disableNetworking: true } },
  { name: 'cpu', container: { cpu: 512 } },
  { name: 'cpu 0', container: { cpu: 0 } },
  { name: 'memory', container: { memory: 128 } },
  { name: 'memoryReservation', container: { memory: 128, memoryReservation: 64 } },
  { name: 'memoryReservation alone', container: { memory: undefined, memoryReservation: 64 } },
  linux('maxSwap', { maxSwap: 32 }),
  linux('maxSwap 0', { maxSwap: 0 }),
  linux('swappiness', { maxSwap: 32, swappiness: 10 }),
  {
    name: 'ulimits',
    container: {
      ulimits: [
        { name: 'nofile', softLimit: 1024, hardLimit: 2048 },
        { name: 'nproc', softLimit: 100, hardLimit: 200 },
        { name: 'core', softLimit: 0, hardLimit: 0 },
        { name: 'stack', softLimit: 4_194_304, hardLimit: 8_388_608 },
      ],
    },
  },
  { name: 'readonlyRootFilesystem', container: { readonlyRootFilesystem: true } },
  {
    name: 'readonlyRootFilesystem with tmpfs',
    container: {
      readonlyRootFilesystem: true,
      linuxParameters: { tmpfs: [{ containerPath: '/tmp', size: 8 }] },
    },
  },
  linux('tmpfs', { tmpfs: [{ containerPath: '/scratch', size: 16 }] }),
  linux('tmpfs with options', {
    tmpfs: [{ containerPath: '/scratch', size: 16, mountOptions: ['exec', 'mode=700', 'uid=1000', 'ro'] }],
  }),
  linux('sharedMemorySize', { sharedMemorySize: 16 }),
  linux('initProcessEnabled', { initProcessEnabled: true }),
  linux('initProcessEnabled as a user', { initProcessEnabled: true }, { user: 'app' }),
  capabilities('one more', { add: ['NET_ADMIN'] }),
  capabilities('SYS_ADMIN', { add: ['SYS_ADMIN'] }),
  capabilities('several more', { add: ['SYS_PTRACE', 'SYS_NICE', 'SYSLOG'] }),
  capabilities('fewer', { drop: ['MKNOD', 'NET_RAW', 'SYS_CHROOT', 'CHOWN'] }),
  capabilities('none', { drop: ['ALL'] }),
  capabilities('only one', { add: ['NET_BIND_SERVICE'], drop: ['ALL'] }),
  linux('capabilities for a user', { capabilities: { add: ['NET_ADMIN'] } }, { user: 'app' }),
  linux('a device', { devices: [device('/dev/kmsg')] }),
  linux('a device elsewhere, to write to', {
    devices: [device('/dev/kmsg', { containerPath: '/dev/log-of-kernel', permissions: ['write'] })],
  }),
  linux('a folder of devices', {
    devices: [device(DEVICE_FOLDER, { permissions: ['read', 'write', 'mknod'] })],
  }),
  security('no-new-privileges'),
  security('seccomp=unconfined'),
  security('apparmor:unconfined'),
  security('label:disable'),
  security('no-new-privileges', 'seccomp=unconfined', 'label:disable'),
  { name: 'systemControls of the network', container: systemControl('net.core.somaxconn', '99') },
  { name: 'systemControls of the IPC namespace', container: systemControl('kernel.shmmax', '123456789') },
  { name: 'systemControls of message queues', container: systemControl('fs.mqueue.msg_max', '77') },
  { name: 'pidMode host', task: { pidMode: 'host' } },
  { name: 'pidMode task', task: { pidMode: 'task' } },
  { name: 'ipcMode host', task: { ipcMode: 'host' } },
  { name: 'ipcMode task', task: { ipcMode: 'task' } },
  { name: 'ipcMode none', task: { ipcMode: 'none' } },
  {
    name: 'pidMode and ipcMode task for a user with an init',
    task: { pidMode: 'task', ipcMode: 'task' },
    container: { user: 'app', linuxParameters: { initProcessEnabled: true, sharedMemorySize: 16 } },
  },
  {
    name: 'pidMode and ipcMode host on the host network',
    task: { ...host, pidMode: 'host', ipcMode: 'host' },
  },
  {
    name: 'ipcMode task with systemControls',
    task: { ipcMode: 'task' },
    container: systemControl('kernel.shmmax', '123456789'),
  },
  { name: 'interactive', container: { interactive: true } },
  { name: 'pseudoTerminal', container: { pseudoTerminal: true } },
  { name: 'interactive and pseudoTerminal', container: { interactive: true, pseudoTerminal: true } },
  { name: 'dockerLabels', container: { dockerLabels: { team: 'x' } } },
  volume('of the task', {}),
  volume('of the task, read-only', { readOnly: true }),
  volume('filled from the image', { containerPath: '/volume' }),
  volume('a path of the host', {}, { sourcePath: '/usr/share' }),
  volume('a path of the host, read-only', { readOnly: true }, { sourcePath: '/usr/share' }),
  volume('over a file of the runtime', { containerPath: '/etc/hosts' }, { sourcePath: '/etc/hostname' }),
  { name: 'privileged', container: privileged },
  { name: 'privileged as a user', container: { ...privileged, user: 'app' } },
  { name: 'privileged and read-only', container: { ...privileged, readonlyRootFilesystem: true } },
  { name: 'privileged on the host network', task: host, container: privileged },
  { name: 'privileged on the bridge network', task: bridge, container: privileged },
  {
    name: 'privileged with fewer capabilities',
    container: { ...privileged, linuxParameters: { capabilities: { drop: ['SYS_ADMIN', 'NET_RAW'] } } },
  },
  {
    name: 'privileged with options that it overrides',
    container: {
      ...privileged,
      dockerSecurityOptions: ['no-new-privileges'],
      linuxParameters: { devices: [device('/dev/kmsg', { containerPath: '/dev/log-of-kernel' })] },
    },
  },
  {
    name: 'everything that hardens',
    container: {
      user: 'app',
      readonlyRootFilesystem: true,
      dockerSecurityOptions: ['no-new-privileges'],
      linuxParameters: {
        capabilities: { drop: ['ALL'] },
        initProcessEnabled: true,
        tmpfs: [{ containerPath: '/tmp', size: 8, mountOptions: ['mode=1777'] }],
      },
      ulimits: [{ name: 'nofile', softLimit: 512, hardLimit: 512 }],
    },
  },
  {
    name: 'everything that opens',
    task: host,
    image: 'full',
    container: {
      user: 'root',
      cpu: 100,
      memory: 256,
      memoryReservation: 128,
      dockerSecurityOptions: ['seccomp=unconfined', 'apparmor:unconfined'],
      linuxParameters: {
        capabilities: { add: ['SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE'] },
        devices: [device('/dev/kmsg')],
        sharedMemorySize: 32,
      },
    },
  },
];
