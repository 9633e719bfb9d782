import { describe, expect, it } from 'vitest';
import type { ImageConfig } from '../../../../../src/image/images.ts';
import type { FoundDevice } from '../../../../../src/runtime/containerd/find-devices.ts';
import type { HostFacts } from '../../../../../src/runtime/containerd/host-facts.ts';
import { parseOci, stringifyOci } from '../../../../../src/runtime/containerd/oci/oci-json.ts';
import { planSpec, usesSystemdCgroup } from '../../../../../src/runtime/containerd/oci/oci-spec.ts';
import { parseSecurityOptions } from '../../../../../src/runtime/containerd/oci/security-options.ts';
import type { NamespaceHolders } from '../../../../../src/runtime/containerd/shared-namespaces.ts';
import type { CreateContainer } from '../../../../../src/runtime/runtime.ts';
import { containerIdOf, taskArn } from '../../../../../src/task/ids.ts';

const MIB = 1024 * 1024;
const arn = taskArn('arn:aws:ecs:eu-west-1:123456789012:task/default/0123');
const id = containerIdOf(arn, 'web', 0);
const host: HostFacts = {
  cgroupVersion: 1,
  swapAccounting: true,
  capabilities: 2n ** 41n - 1n,
  openFilesCeiling: 1_048_576,
  hostname: 'the-host',
  cgroupRoot: 'ecs-containers',
  machine: 'amd64',
  kernel: '6.1.0',
  seccomp: true,
  appArmor: false,
};
const user = { uid: 0, gid: 0, additionalGids: [0], home: '/root' };
const image: ImageConfig = {
  environment: { PATH: '/bin', FROM: 'image' },
  entryPoint: ['/entry'],
  command: ['image-command'],
  user: '',
  workingDirectory: '',
  stopSignal: '',
  volumes: [],
};
const request: CreateContainer = {
  id,
  name: 'ecs-family-1-web-0123',
  taskArn: arn,
  group: '0123',
  labels: {},
  image: 'web:1',
  environment: {},
  terminal: false,
  openStdin: false,
  readonlyRootfs: false,
  capabilitiesAdd: [],
  capabilitiesDrop: [],
  ulimits: [],
  sysctls: {},
  mounts: [],
  tmpfs: {},
  network: { kind: 'isolated' },
  limits: { cpuShares: 256 },
  stdio: { kind: 'null' },
};

function plan(
  overrides: Partial<CreateContainer> = {},
  facts: {
    image?: Partial<ImageConfig>;
    host?: Partial<HostFacts>;
    devices?: readonly FoundDevice[];
    appArmorProfile?: string;
    holders?: NamespaceHolders;
  } = {},
) {
  return planSpec({
    security: parseSecurityOptions(overrides.securityOptions ?? []),
    devices: facts.devices ?? [],
    ...(facts.appArmorProfile !== undefined && { appArmorProfile: facts.appArmorProfile }),
    ...(facts.holders !== undefined && { holders: facts.holders }),
    request: { ...request, ...overrides },
    image: { ...image, ...facts.image },
    user,
    host: { ...host, ...facts.host },
  });
}

/** Namespaces by type: where they are, `own`, or absent for the host's. */
function namespacesOf(overrides: Partial<CreateContainer>, holders: NamespaceHolders = {}) {
  const { linux } = plan(overrides, { holders });
  return Object.fromEntries(linux.namespaces.map(({ type, path = 'own' }) => [type, path]));
}

describe('OCI specification of a container', () => {
  it("begins with its init, unless process 1 is another's", () => {
    expect(plan({ init: true }).process.args[0]).toBe('/sbin/docker-init');
    expect(plan({ init: true, pid: { kind: 'host' } }).process.args[0]).toBe('/entry');
  });

  it('has the PID and IPC namespaces of the host, of another container or its own (RES-84)', () => {
    const joined = { kind: 'container', id } as const;
    const host = { kind: 'host' } as const;
    expect(namespacesOf({})).toMatchObject({ pid: 'own', ipc: 'own' });
    expect(namespacesOf({ ipc: { kind: 'none' } })).toMatchObject({ pid: 'own', ipc: 'own' });
    expect(namespacesOf({ ipc: { kind: 'shareable' } })).toMatchObject({ pid: 'own', ipc: 'own' });
    expect(namespacesOf({ pid: host, ipc: host })).not.toHaveProperty('pid');
    expect(namespacesOf({ pid: host, ipc: host })).not.toHaveProperty('ipc');
    expect(namespacesOf({ pid: joined, ipc: joined }, { pid: 41, ipc: 42 })).toMatchObject({
      pid: '/proc/41/ns/pid',
      ipc: '/proc/42/ns/ipc',
      mount: 'own',
      uts: 'own',
    });
  });

  it.each([
    [{}, ['/entry', 'image-command']],
    [{ command: ['own'] }, ['/entry', 'own']],
    [{ entryPoint: ['/own'] }, ['/own']],
    [{ entryPoint: ['/own'], command: ['c'] }, ['/own', 'c']],
    [{ command: [] }, ['/entry']],
  ])('puts %o over the command of the image', (asked, args) => {
    expect(plan(asked).process.args).toEqual(args);
  });

  it('is refused when nobody says what to run', () => {
    expect(() => plan({}, { image: { entryPoint: [], command: [] } })).toThrow(/no command specified/);
  });

  it('lays environments over each other by key: defaults, image, task definition', () => {
    const env = plan({ environment: { FROM: 'task', HOME: '/h' }, terminal: true }).process.env;
    expect(env).toEqual(
      expect.arrayContaining([
        'PATH=/bin',
        'FROM=task',
        'HOME=/h',
        'TERM=xterm',
        `HOSTNAME=${id.slice(0, 12)}`,
      ]),
    );
    expect(new Set(env.map((entry) => entry.split('=')[0])).size).toBe(env.length);
    const plain = plan({}, { image: { environment: {} } }).process.env;
    expect(plain).toContain('PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
    expect(plain).toContain('HOME=/root');
    expect(plain.some((entry) => entry.startsWith('TERM='))).toBe(false);
  });

  it.each([
    [{}, '', '/'],
    [{}, '/image', '/image'],
    [{ workingDirectory: '/own' }, '/image', '/own'],
  ])(
    'works in the folder asked for, else that of the image: %o over "%s"',
    (asked, workingDirectory, cwd) => {
      expect(plan(asked, { image: { workingDirectory } }).process.cwd).toBe(cwd);
    },
  );

  it('limits open files by default, as far as the host can give', () => {
    const nofile = (limits: { soft: number; hard: number }) => [
      { type: 'RLIMIT_NOFILE', soft: BigInt(limits.soft), hard: BigInt(limits.hard) },
    ];
    expect(plan().process.rlimits).toEqual(nofile({ soft: 32_768, hard: 65_536 }));
    expect(plan({}, { host: { openFilesCeiling: 20_000 } }).process.rlimits).toEqual(
      nofile({ soft: 20_000, hard: 20_000 }),
    );
    const ulimits = [{ name: 'nofile', soft: 100_000, hard: 200_000 }];
    expect(plan({ ulimits }, { host: { openFilesCeiling: 20_000 } }).process.rlimits).toEqual(
      nofile({ soft: 100_000, hard: 200_000 }),
    );
  });

  it('writes unlimited as the kernel does, and reads it back unchanged (CTD-44)', () => {
    const text = stringifyOci(plan({ ulimits: [{ name: 'memlock', soft: -1, hard: -1 }] }));
    expect(text).toContain(
      '{"type":"RLIMIT_MEMLOCK","soft":18446744073709551615,"hard":18446744073709551615}',
    );
    expect(stringifyOci(Object(parseOci(text)))).toBe(text);
  });

  it('names the host on the host network, the request otherwise, else the id', () => {
    expect(plan({ network: { kind: 'host' } }).hostname).toBe('the-host');
    expect(plan({ network: { kind: 'host' }, hostname: 'own' }).hostname).toBe('own');
    expect(plan().hostname).toBe(id.slice(0, 12));
  });

  it('has the namespaces that the network mode and the cgroup version ask for (CTD-18)', () => {
    const own = [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }];
    expect(plan({ network: { kind: 'host' } }).linux.namespaces).toEqual(own);
    expect(plan().linux.namespaces).toEqual([...own, { type: 'network' }]);
    const path = '/run/netns/ecs-0123';
    expect(
      plan({ network: { kind: 'path', path } }, { host: { cgroupVersion: 2 } }).linux.namespaces,
    ).toEqual([...own, { type: 'network', path }, { type: 'cgroup' }]);
    expect(() => plan({ network: { kind: 'container', id } })).toThrow(/join no network of kind container/);
  });

  it('lets low ports be bound, except on the host network, unless told otherwise', () => {
    const sysctls = { 'net.ipv4.ip_unprivileged_port_start': '1024', 'kernel.msgmax': '1' };
    expect(plan().linux.sysctl).toEqual({
      'net.ipv4.ip_unprivileged_port_start': '0',
      'net.ipv4.ping_group_range': '0 2147483647',
    });
    expect(plan({ network: { kind: 'host' } }).linux.sysctl).toEqual({});
    expect(plan({ sysctls }).linux.sysctl).toMatchObject(sysctls);
  });

  it('puts the cgroup where the driver wants it', () => {
    const cgroupfs = { driver: 'cgroupfs', path: '/ecs/0123' } as const;
    const systemd = { driver: 'systemd', slice: 'ecstasks-0123.slice' } as const;
    expect(plan({ cgroup: cgroupfs }).linux.cgroupsPath).toBe(`/ecs/0123/${id}`);
    expect(plan({ cgroup: systemd }).linux.cgroupsPath).toBe(`ecstasks-0123.slice:ecs:${id}`);
    expect(plan().linux.cgroupsPath).toBe(`/ecs-containers/${id}`);
    expect([cgroupfs, systemd, undefined].map(usesSystemdCgroup)).toEqual([false, true, false]);
  });

  it.each([
    [{ memoryBytes: 64 * MIB }, { limit: 64 * MIB, swap: 128 * MIB }],
    [
      { memoryBytes: 64 * MIB, memorySwapBytes: 0 },
      { limit: 64 * MIB, swap: 128 * MIB },
    ],
    [
      { memoryBytes: 64 * MIB, memorySwapBytes: -1 },
      { limit: 64 * MIB, swap: -1 },
    ],
    [
      { memoryBytes: 64 * MIB, memorySwapBytes: 64 * MIB },
      { limit: 64 * MIB, swap: 64 * MIB },
    ],
    [{ memoryReservationBytes: MIB }, { reservation: MIB }],
    [{ memoryReservationBytes: 0 }, undefined],
    [{ memorySwapBytes: MIB }, undefined],
    [{ memorySwappiness: 0 }, { swappiness: 0 }],
    [{}, undefined],
  ])('turns the limits %o into %o (RES-85, RES-113)', (limits, memory) => {
    expect(plan({ limits: { cpuShares: 2, ...limits } }).linux.resources.memory).toEqual(memory);
  });

  it('limits no swap where the kernel does not count it, and no swappiness on cgroup v2 (RES-86)', () => {
    const limits = { cpuShares: 2, memoryBytes: MIB, memorySwapBytes: 2 * MIB, memorySwappiness: 5 };
    expect(plan({ limits }, { host: { swapAccounting: false } }).linux.resources.memory).toEqual({
      limit: MIB,
      swappiness: 5,
    });
    const v2 = plan({ limits }, { host: { cgroupVersion: 2 } }).linux.resources;
    expect(v2).toMatchObject({ memory: { limit: MIB }, unified: { 'memory.swap.max': String(MIB) } });
    expect(v2.memory).not.toHaveProperty('swappiness');
  });

  it.each([
    [undefined, String(MIB)],
    [0, String(MIB)],
    [MIB, '0'],
    [4 * MIB, String(3 * MIB)],
    [-1, 'max'],
  ])('gives a container of 1 MiB with memorySwap %s the swap %s on cgroup v2', (memorySwapBytes, max) => {
    const limits = {
      cpuShares: 2,
      memoryBytes: MIB,
      ...(memorySwapBytes !== undefined && { memorySwapBytes }),
    };
    const { memory, unified } = plan({ limits }, { host: { cgroupVersion: 2 } }).linux.resources;
    expect(memory).toEqual({ limit: MIB });
    expect(unified).toEqual({ 'memory.swap.max': max });
  });

  it('shares the processor, forbids devices but the common ones, and hides what Docker hides (CTD-18)', () => {
    const { resources, maskedPaths, readonlyPaths } = plan().linux;
    expect(resources.cpu).toEqual({ shares: 256 });
    expect(resources.devices[0]).toEqual({ allow: false, access: 'rwm' });
    expect(resources.devices.filter(({ major }) => major === 1).map(({ minor }) => minor)).toEqual([
      3, 5, 7, 8, 9,
    ]);
    expect(maskedPaths).toContain('/proc/kcore');
    expect(maskedPaths).toContain('/sys/firmware');
    expect(readonlyPaths).toEqual(['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']);
  });

  it('asks for one shim a task and carries what it is (CTD-24)', () => {
    const labels = { 'com.amazonaws.ecs.container-name': 'web' };
    expect(plan({ labels }).annotations).toMatchObject({
      'io.containerd.runc.v2.group': '0123',
      'ecs-containerd-agent.task-arn': arn,
      'ecs-containerd-agent.container-name': 'web',
    });
  });

  it('gives a privileged container all devices, writable kernel files, and no filter or mask (RES-90)', () => {
    const devices: readonly FoundDevice[] = [
      { type: 'b', path: '/dev/sda', major: 8, minor: 0, fileMode: 0o660, uid: 0, gid: 6, access: 'rwm' },
    ];
    const { process, linux, mounts } = plan(
      { privileged: true, capabilitiesDrop: ['ALL'], securityOptions: ['label:type:x'] },
      { devices },
    );
    expect(process.capabilities.effective).toHaveLength(41);
    expect(process).not.toHaveProperty('selinuxLabel');
    expect(linux).toMatchObject({ maskedPaths: [], readonlyPaths: [] });
    expect(linux).not.toHaveProperty('seccomp');
    expect(linux.resources.devices).toEqual([{ allow: true, access: 'rwm' }]);
    expect(linux.devices).toEqual([
      { type: 'b', path: '/dev/sda', major: 8, minor: 0, fileMode: 0o660, uid: 0, gid: 6 },
    ]);
    const writable = mounts.filter(({ options }) => options.includes('rw'));
    expect(writable.map(({ destination }) => destination)).toEqual(['/sys', '/sys/fs/cgroup']);
  });

  it('maps no-new-privileges, AppArmor and SELinux options to their fields (RES-92)', () => {
    const selinux = {
      process: 'system_u:system_r:container_t:s0',
      file: 'system_u:object_r:container_file_t:s0',
    };
    const securityOptions = ['no-new-privileges', 'label:type:svirt_t', 'label:level:s0:c1,c2'];
    const { process, linux } = plan(
      { securityOptions },
      { host: { selinux }, appArmorProfile: 'ecs-default' },
    );
    expect(process).toMatchObject({
      noNewPrivileges: true,
      apparmorProfile: 'ecs-default',
      selinuxLabel: 'system_u:system_r:svirt_t:s0:c1,c2',
    });
    expect(linux.mountLabel).toBe('system_u:object_r:container_file_t:s0:c1,c2');
    expect(plan().process).toMatchObject({ noNewPrivileges: false });
    expect(plan().process).not.toHaveProperty('apparmorProfile');
  });

  it('filters system calls unless told not to, or where the kernel cannot', () => {
    expect(plan().linux.seccomp?.defaultAction).toBe('SCMP_ACT_ERRNO');
    expect(plan({ securityOptions: ['seccomp=unconfined'] }).linux).not.toHaveProperty('seccomp');
    expect(plan({}, { host: { seccomp: false } }).linux).not.toHaveProperty('seccomp');
  });

  it('allows a device as it is asked for', () => {
    const fuse = {
      type: 'c',
      path: '/dev/fuse',
      major: 10,
      minor: 229,
      fileMode: 0o666,
      uid: 0,
      gid: 0,
    } as const;
    const { linux } = plan({}, { devices: [{ ...fuse, access: 'r' }] });
    expect(linux.devices).toEqual([fuse]);
    expect(linux.resources.devices.at(-1)).toEqual({
      allow: true,
      type: 'c',
      major: 10,
      minor: 229,
      access: 'r',
    });
  });

  it('puts an init before the command and hands it the whole of it (RES-94)', () => {
    expect(plan({ init: true }).process.args).toEqual(['/sbin/docker-init', '--', '/entry', 'image-command']);
  });

  it('protects no container from the out-of-memory killer by chance', () => {
    expect(plan().process.oomScoreAdj).toBe(0);
    expect(plan({ oomScoreAdj: -5 }).process.oomScoreAdj).toBe(-5);
  });

  it.each([
    [{ name: 'files', soft: 1, hard: 2 }, 'ulimits: files=1:2: there is no limit of that name'],
    [{ name: 'nofile', soft: 3, hard: 2 }, 'ulimits: nofile=3:2: the soft limit is above the hard one'],
    [{ name: 'core', soft: -1, hard: 2 }, 'ulimits: core=-1:2: the soft limit is above the hard one'],
  ])('refuses the limit %o', (ulimit, message) => {
    expect(() => plan({ ulimits: [ulimit] })).toThrow(message);
  });

  it('makes the root filesystem read-only when asked', () => {
    expect(plan({ readonlyRootfs: true }).root).toEqual({ path: 'rootfs', readonly: true });
    expect(plan().root.readonly).toBe(false);
  });
});
